package provider

import (
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	anchor  = regexp.MustCompile(`<a id="([^"]+)">`)
	fence   = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
)

func TestLinksOfDocumentsLeadSomewhere(t *testing.T) {
	t.Parallel()
	const repository = "https://github.com/lvs-director/terraform-provider-lvs/tree/main/"
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (d.Name() == "bin" || d.Name() == ".git") {
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
			return err
		}
		if filepath.Ext(path) != ".md" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, match := range link.FindAllStringSubmatch(fence.ReplaceAllString(string(text), ""), -1) {
			target, isOurs := match[1], strings.HasPrefix(match[1], repository)
			u, err := url.Parse(target)
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			file := filepath.Join(filepath.Dir(path), u.Path)
			switch {
			case isOurs:
				file = filepath.Join("..", strings.TrimPrefix(target, repository))
			case u.IsAbs():
				continue // somebody else's
			case u.Path == "":
				file = path
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: the link %s leads nowhere", path, target)
			} else if u.Fragment != "" && !hasAnchor(t, file, u.Fragment) {
				t.Errorf("%s: %s has no heading for %s", path, file, target)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// hasAnchor tells whether a page has the place, named as the registry and GitHub name headings.
func hasAnchor(t *testing.T, file, name string) bool {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range anchor.FindAllStringSubmatch(string(text), -1) {
		if match[1] == name {
			return true
		}
	}
	kept := strings.NewReplacer("`", "", ".", "", ",", "", "'", "", "(", "", ")", "", " ", "-")
	for _, match := range heading.FindAllStringSubmatch(string(text), -1) {
		if kept.Replace(strings.ToLower(match[1])) == name {
			return true
		}
	}
	return false
}
