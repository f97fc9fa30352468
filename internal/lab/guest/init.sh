#!/bin/sh
# The first process of a guest: makes a machine of the bare kernel, runs the command, leaves its exit
# status beside this file, halts. BusyBox, being static, starts in half the time of other programs,
# which is what a guest spends most of its time with.
work=${0%/*}
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

busybox mount -t proc proc /proc
busybox mount -t sysfs sys /sys
busybox mount -t tmpfs tmpfs /run
busybox mkdir -p /dev/pts /dev/shm /run/netns /run/lock
busybox mkdir -m 1777 /run/tmp
busybox mount -t devpts devpts /dev/pts
busybox mount -t tmpfs tmpfs /dev/shm
busybox ln -s /proc/self/fd /dev/fd
busybox ln -s fd/0 /dev/stdin
busybox ln -s fd/1 /dev/stdout
busybox ln -s fd/2 /dev/stderr
busybox hostname guest
ulimit -n 65536

# Modules are looked for under /lib/modules, where the host has its own kernel's, if any. An ordinary
# user cannot make that folder where it is missing; modprobe can be told of another one.
modules=/usr/lib/uml/modules/$(busybox uname -r)
if busybox mkdir -p /lib/modules 2>/dev/null && busybox mount -t tmpfs tmpfs /lib/modules; then
	busybox ln -s "$modules" /lib/modules/
else
	busybox mkdir -p /run/kernel/lib/modules
	busybox ln -s "$modules" /run/kernel/lib/modules/
	printf '#!/bin/sh\nexec modprobe -d /run/kernel "$@"\n' >/run/kernel/modprobe
	busybox chmod +x /run/kernel/modprobe
	echo /run/kernel/modprobe >/proc/sys/kernel/modprobe
	export MODPROBE_OPTIONS='-d /run/kernel'
fi
# The netlink family of IPVS does not load its module. The kernel loads all the others (schedulers,
# kinds of links, tunnels) when they are first asked for.
modprobe -a ip_vs veth bridge
busybox ip link set lo up

# The command writes to a pipe, as it would anywhere, not to the file: a program that opens
# /dev/stdout to write would empty a file.
busybox mkfifo /run/output
cat </run/output >"$work/output" &
copier=$!
sh "$work/command" </dev/null >/run/output 2>&1
status=$?
# A process that the command left behind may hold the pipe open; what the command itself wrote is
# through long before this ends.
tries=0
while kill -0 "$copier" 2>/dev/null && [ "$tries" -lt 20 ]; do
	busybox usleep 50000
	tries=$((tries + 1))
done
echo "$status" >"$work/status"
busybox poweroff -f
