# On d1:
lvs-agent init --dir /etc/lvs-agent --name d1 --address 192.0.2.11

# On d2, with a copy of that folder, to be removed afterwards:
lvs-agent init --dir /etc/lvs-agent --name d2 --address 192.0.2.12 --join /root/d1
