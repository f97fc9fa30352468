package vrrp

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Every row of CHECKLIST.md is proved by a test that carries its number, somewhere in the repository.
func TestChecklist_EveryRowHasATest(t *testing.T) {
	t.Parallel()
	list, err := os.ReadFile("CHECKLIST.md")
	if err != nil {
		t.Fatal(err)
	}
	proved := map[string]bool{}
	err = filepath.WalkDir("../..", func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, "_test.go") {
			err = collectRows(path, proved)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^\| (\d+) \| (.*) \|$`).FindAllStringSubmatch(string(list), -1)
	for i, row := range rows {
		number, says := row[1], row[2]
		if number != strconv.Itoa(i+1) {
			t.Fatalf("row %s is the %dth", number, i+1)
		}
		open := strings.Contains(says, "Out of scope") || strings.Contains(says, "Not there yet")
		if !proved[number] && !open {
			t.Errorf("no test proves row %s: %s", number, says)
		}
	}
	if len(rows) < 82 {
		t.Errorf("%d rows", len(rows))
	}
}

// collectRows adds the numbers in the names of a file's tests, TestPort_11_Name, and of the cases in their tables, "11
// name": …
func collectRows(path string, proved map[string]bool) error {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	for _, declaration := range file.Decls {
		test, ok := declaration.(*ast.FuncDecl)
		if !ok || !strings.HasPrefix(test.Name.Name, "Test") && !strings.HasPrefix(test.Name.Name, "Fuzz") {
			continue
		}
		for _, part := range strings.Split(test.Name.Name, "_") {
			proved[part] = true
		}
		ast.Inspect(test, func(n ast.Node) bool {
			if entry, ok := n.(*ast.KeyValueExpr); ok {
				if key, ok := entry.Key.(*ast.BasicLit); ok && key.Kind == token.STRING {
					number, _, _ := strings.Cut(strings.Trim(key.Value, "`\""), " ")
					proved[number] = true
				}
			}
			return true
		})
	}
	return nil
}
