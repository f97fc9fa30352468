package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"testing/fstest"
)

const (
	manifest = `{"version":1,"metadata":{"protocol_versions":["6.0"]}}`
	zipName  = "terraform-provider-lvs_1.2.3_" + runtime.GOOS + "_" + runtime.GOARCH + ".zip"
	sumsName = "terraform-provider-lvs_1.2.3_SHA256SUMS"
)

// files of a release in which nothing is wrong, for this platform.
func files(t *testing.T, program []byte) fstest.MapFS {
	t.Helper()
	folder := "lvs-agent_1.2.3_" + runtime.GOOS + "_" + runtime.GOARCH
	all := fstest.MapFS{
		zipName: {Data: zipped(t, map[string][]byte{"LICENSE": nil, "terraform-provider-lvs_v1.2.3": program})},
		folder + ".tar.gz": {Data: tarred(t, folder, map[string][]byte{
			"LICENSE": nil, "CHANGELOG.md": nil, "packaging/lvs-agent.service": nil, "packaging/lvs-agent.sysusers": nil, "lvs-agent": program,
		})},
	}
	var sums strings.Builder
	for name, file := range all {
		fmt.Fprintf(&sums, "%s  %s\n", sumOf(file.Data), name)
	}
	fmt.Fprintf(&sums, "%s  terraform-provider-lvs_1.2.3_manifest.json\n", sumOf([]byte(manifest)))
	all[sumsName] = &fstest.MapFile{Data: []byte(sums.String())}
	return all
}

func zipped(t *testing.T, members map[string][]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for name, content := range members {
		header := &zip.FileHeader{Name: name}
		header.SetMode(0o755)
		f, err := w.CreateHeader(header)
		if err == nil {
			_, err = f.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func tarred(t *testing.T, folder string, members map[string][]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	packed := gzip.NewWriter(&out)
	w := tar.NewWriter(packed)
	for name, content := range members {
		err := w.WriteHeader(&tar.Header{Name: folder + "/" + name, Mode: 0o755, Size: int64(len(content))})
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), packed.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// build makes this program as a release would.
func build(t *testing.T) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "program")
	command := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", file, ".")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestWhatIsWrongWithAReleaseIsFound(t *testing.T) {
	t.Parallel()
	program := build(t)
	here := runtime.GOOS + "_" + runtime.GOARCH
	for name, test := range map[string]struct {
		change   func(fstest.MapFS)
		platform string
		want     string
	}{
		"nothing":                  {func(fstest.MapFS) {}, here, ""},
		"a file that is not there": {func(f fstest.MapFS) { delete(f, zipName) }, here, zipName + ": open"},
		"another content":          {func(f fstest.MapFS) { f[zipName].Data = append(f[zipName].Data, 0) }, here, zipName + ": its checksum is another one"},
		"a file without a checksum": {func(f fstest.MapFS) {
			f[sumsName].Data = []byte(strings.ReplaceAll(string(f[sumsName].Data), zipName, "another.zip"))
			f["another.zip"] = f[zipName]
		}, here, zipName + ": it has no checksum"},
		"a platform that is missing": {func(fstest.MapFS) {}, "plan9_mips", "terraform-provider-lvs_1.2.3_plan9_mips.zip: it has no checksum"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := files(t, program)
			test.change(all)
			r, err := open(all, []byte(manifest))
			if err != nil {
				t.Fatal(err)
			}
			r.check([]string{test.platform}, []string{here}, false)
			got := errors.Join(r.wrong...)
			if test.want == "" && got != nil || test.want != "" && (got == nil || !strings.Contains(got.Error(), test.want)) {
				t.Errorf("found %v, want %s", got, test.want)
			}
		})
	}
}

func TestProgramsAreForTheirPlatform(t *testing.T) {
	t.Parallel()
	r, err := open(files(t, []byte("no program")), []byte(manifest))
	if err != nil {
		t.Fatal(err)
	}
	r.check([]string{runtime.GOOS + "_" + runtime.GOARCH}, nil, false)
	if got := errors.Join(r.wrong...); got == nil || !strings.Contains(got.Error(), "unrecognized file format") {
		t.Errorf("found %v", got)
	}
}

func TestListOfModulesIsThatOfTheProgram(t *testing.T) {
	t.Parallel()
	const name = "a.zip.sbom.json"
	info := &debug.BuildInfo{Deps: []*debug.Module{{Path: "example.com/a", Version: "v1.0.0"}, {Path: "example.com/b", Version: "v2.0.0"}}}
	for document, want := range map[string]string{
		`{"spdxVersion":"SPDX-2.3","packages":[{"name":"example.com/a","versionInfo":"v1.0.0"},{"name":"example.com/b","versionInfo":"v2.0.0"}]}`: "",
		`{"spdxVersion":"SPDX-2.3","packages":[{"name":"example.com/a","versionInfo":"v1.0.0"}]}`:                                                 `it has example.com/b in version "", want v2.0.0`,
		`{"packages":[]}`: "it is no SPDX document",
	} {
		r := &release{files: fstest.MapFS{name: {Data: []byte(document)}}, sums: map[string]string{name: ""}}
		r.sbom(name, info)
		if got := errors.Join(r.wrong...); want == "" && got != nil || want != "" && (got == nil || !strings.Contains(got.Error(), want)) {
			t.Errorf("%s: found %v, want %s", document, got, want)
		}
	}
}
