provider "lvs" {
  endpoint = "unix:///run/lvs-agent/agent.sock"
}
