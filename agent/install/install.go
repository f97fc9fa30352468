// Package install makes the files of a new director: a certificate authority or a certificate of an existing one, a
// token, and the agent's own file. It overwrites nothing, and knows no other part of the agent.
package install

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/newfile"
)

// Names of the files in a director's folder.
const (
	ConfigFile    = "agent.hcl"
	caFile        = "ca.pem"
	caKeyFile     = "ca-key.pem"
	serverFile    = "server.pem"
	serverKeyFile = "server-key.pem"
	clientFile    = "client.pem"
	clientKeyFile = "client-key.pem"
	tokensFile    = "tokens"
	tokenFile     = "token"
	stateFolder   = "state"
)

// clientName is whose certificate and token the first director gets: Terraform's.
const clientName = "terraform"

// Director is what is to be made.
type Director struct {
	// Dir is the folder, which is made where it does not exist.
	Dir string
	// Name is the director's, Address where its agent listens.
	Name    string
	Address netip.AddrPort
	// Join is the folder of the cluster's first director; "" makes another cluster.
	Join string
}

// file is one that is to be written. Only its owner may read it.
type file struct {
	name string
	data []byte
}

// Make writes the files, all of them or, where one of them is there already, none.
func (d Director) Make() error {
	dir, err := filepath.Abs(d.Dir)
	if err != nil {
		return err
	}
	d.Dir = dir
	files, err := d.files(time.Now())
	if err != nil {
		return err
	}
	for _, f := range files {
		if _, err := os.Lstat(filepath.Join(d.Dir, f.name)); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s is there already: nothing was written; choose another --dir, or remove it first", filepath.Join(d.Dir, f.name))
		}
	}
	if err := makeFolder(d.Dir); err != nil {
		return err
	}
	if err := os.MkdirAll(d.stateDir(), 0o700); err != nil {
		return err
	}
	for i, f := range files {
		if err := newfile.Create(filepath.Join(d.Dir, f.name), f.data); err != nil {
			for _, made := range files[:i] {
				err = errors.Join(err, os.Remove(filepath.Join(d.Dir, made.name)))
			}
			return err
		}
	}
	return nil
}

// makeFolder makes one that others may pass through, whatever the umask: the folder of scripts is in it, which run as
// another user.
func makeFolder(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return err
	}
	return os.Chmod(path, 0o755)
}

// files makes all contents before anything is written.
func (d Director) files(now time.Time) ([]file, error) {
	ca, files, err := d.authority(now)
	if err != nil {
		return nil, err
	}
	addresses := []netip.Addr{d.Address.Addr()}
	for _, here := range []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()} {
		if !slices.Contains(addresses, here) {
			addresses = append(addresses, here)
		}
	}
	server, err := ca.server(d.Name, addresses, now)
	if err != nil {
		return nil, err
	}
	return append(files, file{serverFile, server.cert}, file{serverKeyFile, server.key}, file{ConfigFile, d.config()}), nil
}

// authority makes or reads the cluster's, with the files that come of it.
func (d Director) authority(now time.Time) (authority, []file, error) {
	if d.Join != "" {
		ca, cert, err := openAuthority(d.Join)
		if err != nil {
			return authority{}, nil, err
		}
		tokens, err := os.ReadFile(filepath.Join(d.Join, tokensFile))
		if err != nil {
			return authority{}, nil, fmt.Errorf("read the tokens of the first director: %w", err)
		}
		return ca, []file{{caFile, cert}, {tokensFile, tokens}}, nil
	}
	ca, files, err := newAuthority(now)
	if err != nil {
		return authority{}, nil, err
	}
	client, err := ca.client(clientName, now)
	if err != nil {
		return authority{}, nil, err
	}
	token := rand.Text()
	return ca, []file{
		{caFile, files.cert}, {caKeyFile, files.key},
		{clientFile, client.cert}, {clientKeyFile, client.key},
		{tokenFile, []byte(token + "\n")},
		{tokensFile, fmt.Appendf(nil, "# NAME read|write sha256:HEX [EXPIRY]\n%s write sha256:%x\n", clientName, sha256.Sum256([]byte(token)))},
	}, nil
}

func (d Director) config() []byte {
	path := func(name string) string { return filepath.Join(d.Dir, name) }
	text := fmt.Appendf(nil, `listen    = %q
name      = %q
state_dir = %q

tls {
  cert_file      = %q
  key_file       = %q
  client_ca_file = %q
}
auth {
  token_file = %q
  clients    = { %s = "write" }
}
`, d.Address, d.Name, d.stateDir(), path(serverFile), path(serverKeyFile), path(caFile), path(tokensFile), clientName)
	if d.packaged() {
		text = append(text, `scripts {
  user = "lvs-check"
}
`...)
	}
	return text
}

// packaged reports whether it is installed in the usual place, where agent/packaging has made the users.
func (d Director) packaged() bool { return d.Dir == "/etc/lvs-agent" }

// stateDir is the usual one for what is installed in the usual place.
func (d Director) stateDir() string {
	if d.packaged() {
		return "/var/lib/lvs-agent"
	}
	return filepath.Join(d.Dir, stateFolder)
}

// NextSteps says what to do with what Make has made.
func (d Director) NextSteps() string {
	dir, err := filepath.Abs(d.Dir)
	if err != nil {
		dir = d.Dir
	}
	path := func(name string) string { return filepath.Join(dir, name) }
	var text strings.Builder
	fmt.Fprintf(&text, "lvs-agent run --config %s\n\n", path(ConfigFile))
	if d.Join != "" {
		fmt.Fprintf(&text, "Among the directors of the provider:\n\n    %s = { endpoint = \"https://%s\" }\n", d.Name, d.Address)
		return text.String()
	}
	fmt.Fprintf(&text, `The provider, where Terraform runs:

provider "lvs" {
  directors = {
    %s = { endpoint = "https://%s" }
  }
  ca_cert_file     = %q
  client_cert_file = %q
  client_key_file  = %q # or, instead of the certificate: export LVS_TOKEN="$(cat %s)"
}

The next director, with this folder at hand: lvs-agent init --dir DIR --name NAME --address ADDRESS --join %s
Then keep %s, %s and %s somewhere else: the agent does not need them.
`, d.Name, d.Address, path(caFile), path(clientFile), path(clientKeyFile), path(tokenFile), dir, caKeyFile, clientKeyFile, tokenFile)
	return text.String()
}
