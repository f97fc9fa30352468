package main

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Ports of the servers: one only accepts, one speaks HTTP, and on one nobody listens.
const (
	portTCP    = 8080
	portHTTP   = 8081
	portNobody = 8082
)

// serverAddress is one of many on the loopback interface, for all of which one listener answers.
func serverAddress(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{127, 1, byte(i >> 8), byte(i)})
}

// startServer starts the process that is checked, whose cost is not counted.
func startServer(ctx context.Context) (stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-inside", insideServer)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	ready, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	if _, err := bufio.NewReader(ready).ReadString('\n'); err != nil {
		stop()
		return nil, errors.New("the servers did not start")
	}
	return stop, nil
}

// serve accepts connections until the process is ended.
func serve(ctx context.Context) error {
	beforeOthers()
	only, err := listen(portTCP)
	if err != nil {
		return err
	}
	web, err := listen(portHTTP)
	if err != nil {
		return err
	}
	go accept(only, func(c net.Conn) { _ = c.Close() })
	go accept(web, func(c net.Conn) { go answer(c) })
	if _, err := os.Stdout.WriteString("ready\n"); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// listen listens on a port of all addresses.
func listen(port uint16) (net.Listener, error) {
	return net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.IPv4Unspecified(), port)))
}

func accept(l net.Listener, do func(net.Conn)) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		do(c)
	}
}

// answer answers one request, whichever it is, with what costs least.
func answer(c net.Conn) {
	defer func() { _ = c.Close() }()
	request := make([]byte, 4<<10)
	if _, err := c.Read(request); err == nil {
		_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"))
	}
}

// threads returns this process's.
func threads() (ids []int, err error) {
	entries, err := os.ReadDir("/proc/self/task")
	for _, entry := range entries {
		if id, bad := strconv.Atoi(entry.Name()); bad == nil {
			ids = append(ids, id)
		}
	}
	return ids, err
}

// onOneCore keeps this process to a core.
func onOneCore(core int) error {
	ids, err := threads()
	var set unix.CPUSet
	set.Set(core)
	for _, id := range ids {
		err = errors.Join(err, unix.SchedSetaffinity(id, &set))
	}
	return err
}

// beforeOthers has this process go before other work of the machine, where that is allowed: the cost of checks is
// to be measured, and not that of the rest.
func beforeOthers() {
	ids, _ := threads()
	for _, id := range ids {
		_ = unix.SchedSetAttr(id, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: 1}, 0)
	}
}
