package provider

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/lvs-director/terraform-provider-lvs/agent/config"
)

// appliedInTheLab are the examples that internal/lab/examples applies to real directors.
func appliedInTheLab() []string {
	return []string{"ha-pair-dr", "ha-pair-nat", "master-master", "tunnel", "ipv6", "fwmark", "sorry-server", "udp-dns", "large-pool", "migrate-from-keepalived", "modules/ha-service"}
}

// Every configuration in examples/ is applied by a test, or validated.
func TestNoExampleIsLeftOut(t *testing.T) {
	t.Parallel()
	tested := slices.Concat(appliedExamples(), validExamples(), appliedInTheLab())
	for path := range exampleFiles(t) {
		folder := filepath.ToSlash(filepath.Dir(path))
		if filepath.Ext(path) == ".tf" && !slices.Contains(tested, folder) {
			t.Errorf("examples/%s: no test applies or validates it", path)
		}
	}
}

// exampleFiles returns what is in examples/, by its path there.
func exampleFiles(t *testing.T) map[string]string {
	t.Helper()
	files, root := map[string]string{}, os.DirFS("../examples")
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(root, path)
		files[path] = strings.TrimSpace(string(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

var configuration = regexp.MustCompile("(?ms)^```(terraform|hcl)\n(.*?)^```$")

// What a page shows of Terraform's language is a file of examples/, or, where it needs a later Terraform than the tests may
// have, what the provider's schemas allow. What it shows of the agent's file, an agent takes.
func TestWhatPagesShowIsTested(t *testing.T) {
	t.Parallel()
	r := newRPC(t, newDirectors(t, "d1"))
	files := slices.Collect(maps.Values(exampleFiles(t)))
	shown := 0
	err := filepath.WalkDir("../docs", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		page, err := os.ReadFile(path)
		for _, match := range configuration.FindAllStringSubmatch(string(page), -1) {
			language, text := match[1], match[2]
			shown++
			switch {
			case language == "hcl":
				if _, err := config.Parse(path, []byte(text)); err != nil {
					t.Errorf("%s: an agent refuses this part of its file: %v", path, err)
				}
			case !slices.Contains(files, strings.TrimSpace(text)):
				r.allows(path, text)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if shown < 20 {
		t.Errorf("%d pieces of configuration were found in docs/: what do they begin with?", shown)
	}
}

// allows fails the test for blocks that are neither an import by identity, nor an action, nor a list of this provider.
func (r rpc) allows(page, text string) {
	r.t.Helper()
	file, diags := hclsyntax.ParseConfig([]byte(text), page, hcl.InitialPos)
	if diags.HasErrors() {
		r.t.Errorf("%s: %v", page, diags)
		return
	}
	for _, block := range file.Body.(*hclsyntax.Body).Blocks {
		has, may := map[string]bool{}, []string{}
		switch block.Type {
		case "import":
			to, _ := block.Body.Attributes["to"].Expr.(*hclsyntax.ScopeTraversalExpr)
			identity, ok := block.Body.Attributes["identity"].Expr.(*hclsyntax.ObjectConsExpr)
			if to == nil || !ok {
				r.t.Errorf("%s: an import that is no file of examples/ is by an identity", page)
				continue
			}
			for _, item := range identity.Items {
				has[hcl.ExprAsKeyword(item.KeyExpr)] = true
			}
			may = r.identityOf(to.Traversal.RootName())
		case "action":
			schema := r.schema.ActionSchemas[block.Labels[0]]
			if schema == nil || len(block.Body.Blocks) != 1 || block.Body.Blocks[0].Type != "config" {
				r.t.Errorf("%s: %q is no action with a config", page, block.Labels[0])
				continue
			}
			for name := range block.Body.Blocks[0].Body.Attributes {
				has[name] = true
			}
			for _, a := range schema.Schema.Block.Attributes {
				may = append(may, a.Name)
			}
		case "list":
			if r.schema.ListResourceSchemas[block.Labels[0]] == nil {
				r.t.Errorf("%s: there is no list resource %q", page, block.Labels[0])
			}
		default:
			r.t.Errorf("%s: this block is no file of examples/: %s %q", page, block.Type, block.Labels)
		}
		for name := range has {
			if !slices.Contains(may, name) {
				r.t.Errorf("%s: there is no %q in a %s block: use %q", page, name, block.Type, may)
			}
		}
	}
}

// identityOf returns the attributes of the identity of a resource.
func (r rpc) identityOf(resource string) (names []string) {
	r.t.Helper()
	schemas, err := r.server.GetResourceIdentitySchemas(r.t.Context(), &tfprotov6.GetResourceIdentitySchemasRequest{})
	if err != nil || schemas.IdentitySchemas[resource] == nil {
		r.t.Fatalf("%s has no identity: %v", resource, err)
	}
	for _, a := range schemas.IdentitySchemas[resource].IdentityAttributes {
		names = append(names, a.Name)
	}
	return names
}
