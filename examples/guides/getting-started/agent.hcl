# /etc/lvs-agent/agent.hcl of d1; d2 has its own address and name.
listen = "192.0.2.11:8443"
name   = "d1"

tls {
  cert_file = "/etc/lvs-agent/server.pem"
  key_file  = "/etc/lvs-agent/server-key.pem"
}
auth {
  token_file = "/etc/lvs-agent/tokens"
}
