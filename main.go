// Command terraform-provider-lvs is the provider's entry point: it serves package provider to
// Terraform, and does nothing else.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/lvs-director/terraform-provider-lvs/provider"
)

// version is set by the linker in a release.
var version = "dev"

func main() {
	debug := flag.Bool("debug", false, "run until stopped, for a debugger; Terraform finds it by the variable that is printed")
	flag.Parse()
	err := provider.QuietLogs()
	if err == nil {
		err = providerserver.Serve(context.Background(), provider.New(version), providerserver.ServeOpts{
			Address: "registry.terraform.io/lvs-director/lvs",
			Debug:   *debug,
		})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "terraform-provider-lvs:", err)
		os.Exit(1)
	}
}
