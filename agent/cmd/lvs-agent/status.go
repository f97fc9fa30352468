package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/lvs-director/terraform-provider-lvs/agent/config"
	"github.com/lvs-director/terraform-provider-lvs/internal/client"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// connection is how a command finds and enters a running agent. Its flags have the names of the
// provider's settings and of its environment variables.
type connection struct {
	endpoint, token, caCertFile string
	// timeout bounds a request; 0 is the client's own.
	timeout time.Duration
}

const tokenHelp = "A token, where one is needed, is taken from LVS_TOKEN."

func (c *connection) flags(cmd *cobra.Command) {
	endpoint := os.Getenv("LVS_ENDPOINT")
	if endpoint == "" {
		endpoint = "http://" + config.DefaultListen
	}
	cmd.Flags().StringVar(&c.endpoint, "endpoint", endpoint, "https://ADDRESS:PORT, http:// on loopback, or unix:///PATH (LVS_ENDPOINT)")
	cmd.Flags().StringVar(&c.caCertFile, "ca-cert-file", os.Getenv("LVS_CA_CERT_FILE"), "PEM file of the CA that signed the agent's certificate (LVS_CA_CERT_FILE)")
	c.token = os.Getenv("LVS_TOKEN") // not a flag: flags are seen by everybody on the machine
}

func (c *connection) open() (*client.Client, error) {
	settings := client.Config{Name: c.endpoint, Endpoint: c.endpoint, Token: c.token, Timeout: c.timeout}
	if c.caCertFile != "" {
		pem, err := os.ReadFile(c.caCertFile)
		if err != nil {
			return nil, fmt.Errorf("read the CA's certificate: %w", err)
		}
		settings.CACert = pem
	}
	return client.New(settings)
}

func statusCommand() *cobra.Command {
	var to connection
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Print what a director does now: routers, services, servers, checks and drift",
		Long:  "Print what a director does now: routers, services, servers, checks and drift.\n\n" + tokenHelp,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			director, err := to.open()
			if err != nil {
				return err
			}
			status, err := director.Status(cmd.Context())
			if err != nil {
				return err
			}
			if !asJSON {
				return printStatus(cmd.OutOrStdout(), *status, time.Now())
			}
			data, err := spec.Encode(status)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", data)
			return err
		},
	}
	to.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, as GET /v1/status answers it")
	return cmd
}
