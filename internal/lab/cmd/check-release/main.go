// Check-release looks at the files of a release as those will who install it: a registry, and Terraform.
//
//	goreleaser release --snapshot --clean --skip=sign && go run ./internal/lab/cmd/check-release -terraform terraform dist
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
)

func main() {
	if err := run(context.Background(), os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "check-release:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet(args[0], flag.ExitOnError)
	provider := flags.String("provider", "linux_amd64,linux_arm64,darwin_amd64,darwin_arm64,windows_amd64,windows_arm64", "the provider's `platforms`")
	agent := flags.String("agent", "linux_amd64,linux_arm64", "the agent's `platforms`")
	manifest := flags.String("manifest", "terraform-registry-manifest.json", "the `file` that is published as the manifest")
	parts := flags.Bool("sbom", true, "whether there are lists of what each archive is made of")
	terraform := flags.String("terraform", "", "also install the provider with this `binary` from the folder as from a registry")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("name the folder with the files of a release, such as dist")
	}
	protocols, err := os.ReadFile(*manifest)
	if err != nil {
		return err
	}
	r, err := open(os.DirFS(flags.Arg(0)), protocols)
	if err != nil {
		return err
	}
	r.check(strings.Split(*provider, ","), strings.Split(*agent, ","), *parts)
	if err := errors.Join(r.wrong...); err != nil {
		return err
	}
	if *terraform != "" {
		if err := install(ctx, *terraform, flags.Arg(0), r.version); err != nil {
			return err
		}
	}
	fmt.Printf("release %s: %d files, all with their checksums\n", r.version, len(r.sums))
	return nil
}
