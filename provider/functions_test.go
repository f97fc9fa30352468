package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
)

func TestFunctionsReturn(t *testing.T) {
	t.Parallel()
	service := func(protocol, address, port, mark, family knownvalue.Check) knownvalue.Check {
		return knownvalue.ObjectExact(map[string]knownvalue.Check{
			"protocol": protocol, "address": address, "port": port, "firewall_mark": mark, "family": family,
		})
	}
	null, text := knownvalue.Null(), knownvalue.StringExact
	for call, want := range map[string]knownvalue.Check{
		`virtual_mac(51, "ipv4")`:               text("00:00:5e:00:01:33"),
		`virtual_mac(255, "ipv6")`:              text("00:00:5e:00:02:ff"),
		`active_down_interval(100, "1s", 3)`:    text("3.609375s"),
		`active_down_interval(100, "2s", 2)`:    text("6.609375s"), // the skew of version 2 is a part of a second
		`active_down_interval(255, "100ms", 3)`: text("300.390625ms"),
		`parse_service("tcp:192.0.2.1:80")`:     service(text("tcp"), text("192.0.2.1"), knownvalue.Int64Exact(80), null, null),
		`parse_service("udp:[2001:DB8::1]:53")`: service(text("udp"), text("2001:db8::1"), knownvalue.Int64Exact(53), null, null),
		`parse_service("fwmark:5:ipv6")`:        service(null, null, null, knownvalue.Int64Exact(5), text("ipv6")),
	} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			run(t, resource.TestStep{
				Config:            "output \"it\" {\n  value = provider::lvs::" + call + "\n}\n",
				ConfigStateChecks: []statecheck.StateCheck{statecheck.ExpectKnownOutputValue("it", want)},
			})
		})
	}
}

func TestFunctionsSayWhichArgumentIsWrong(t *testing.T) {
	t.Parallel()
	for call, want := range map[string]string{
		`virtual_mac(0, "ipv4")`:              `Invalid value for "virtual_router_id" parameter: 0 is out of range: use 1 to 255`,
		`virtual_mac(256, "ipv4")`:            `Invalid value for "virtual_router_id" parameter: 256 is out of range`,
		`virtual_mac(51, "inet")`:             `Invalid value for "family" parameter: "inet" is no family: use ipv4 or ipv6`,
		`active_down_interval(256, "1s", 3)`:  `Invalid value for "priority" parameter: 256 is out of range: use 1 to 255`,
		`active_down_interval(100, "1", 3)`:   `Invalid value for "advertisement_interval" parameter: "1" is not a duration`,
		`active_down_interval(100, "1h", 3)`:  `Invalid value for "advertisement_interval" parameter: 1h0m0s is out of range`,
		`active_down_interval(100, "1s", 4)`:  `Invalid value for "version" parameter: 4 is not known: use 2 or 3`,
		`parse_service("tcp:2001:db8::1:80")`: `Invalid value for "service" parameter: "tcp:2001:db8::1:80" is not protocol:address:port`,
	} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			run(t, resource.TestStep{Config: "output \"it\" {\n  value = provider::lvs::" + call + "\n}\n", ExpectError: saying(want)})
		})
	}
}
