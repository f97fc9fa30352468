package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/lvs-director/terraform-provider-lvs/agent/install"
)

// apiPort is where the agent listens unless told otherwise.
const apiPort = 8443

func initCommand() *cobra.Command {
	var d install.Director
	var address string
	cmd := &cobra.Command{
		Use:   "init --dir DIR",
		Short: "Make the files of a new director: a CA, certificates, a token, agent.hcl",
		Long: "Make the files of a new director: a CA, certificates for the server and for Terraform, a token, and agent.hcl, and\n" +
			"print the provider block to paste. With --join the director gets a certificate of the first one's CA and knows the\n" +
			"same tokens. Nothing is overwritten, and only the owner can read what is written.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if !regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$`).MatchString(d.Name) {
				return fmt.Errorf("--name: %q is no host name: use letters, digits, dots and hyphens", d.Name)
			}
			if d.Address, err = listenAddress(address); err != nil {
				return err
			}
			if err := d.Make(); err != nil {
				return err
			}
			fmt.Fprint(cmd.OutOrStdout(), d.NextSteps())
			return nil
		},
	}
	host, _ := os.Hostname() // without one the flag has to be given
	cmd.Flags().StringVar(&d.Dir, "dir", "", "the folder, such as /etc/lvs-agent")
	cmd.Flags().StringVar(&d.Name, "name", host, "the director's name")
	cmd.Flags().StringVar(&address, "address", "", "where the agent listens: ADDRESS or ADDRESS:PORT; the default is this machine's first address")
	cmd.Flags().StringVar(&d.Join, "join", "", "the folder that init made for the first director, with its CA")
	_ = cmd.MarkFlagRequired("dir") // the flag is there
	return cmd
}

// listenAddress reads the flag.
func listenAddress(text string) (netip.AddrPort, error) {
	if text == "" {
		return firstAddress()
	}
	both, err := netip.ParseAddrPort(text)
	if err != nil {
		var address netip.Addr
		address, err = netip.ParseAddr(text)
		both = netip.AddrPortFrom(address, apiPort)
	}
	if err != nil || both.Addr().IsUnspecified() {
		return netip.AddrPort{}, fmt.Errorf("--address: %q is not an address that Terraform could reach: write 192.0.2.11 or [2001:db8::1]:8443", text)
	}
	return both, nil
}

// firstAddress is the first one of this machine that others could reach, of IPv4 if there is one.
func firstAddress() (netip.AddrPort, error) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("find an address of this machine: %w", err)
	}
	var first netip.Addr
	for _, a := range addresses {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil || !prefix.Addr().IsGlobalUnicast() {
			continue
		}
		if !first.IsValid() || first.Is6() && prefix.Addr().Is4() {
			first = prefix.Addr()
		}
	}
	if !first.IsValid() {
		return netip.AddrPort{}, errors.New("this machine has no address that others could reach: give --address")
	}
	return netip.AddrPortFrom(first, apiPort), nil
}
