package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"runtime/debug"
	"slices"
	"strings"
)

const project = "terraform-provider-lvs"

// release is the files of one in a folder.
type release struct {
	files   fs.FS
	version string
	// protocols is the manifest, which is published under another name than it has here.
	protocols []byte
	// sums are the checksums that are published, by file.
	sums map[string]string
	// wrong is what was found to be so.
	wrong []error
}

// open finds the checksums, which say what belongs to the release.
func open(files fs.FS, manifest []byte) (*release, error) {
	const tail = "_SHA256SUMS"
	found, err := fs.Glob(files, project+"_*"+tail)
	if err != nil || len(found) != 1 {
		return nil, fmt.Errorf("there are %d files of checksums, and not one: %v %w", len(found), found, err)
	}
	text, err := fs.ReadFile(files, found[0])
	if err != nil {
		return nil, err
	}
	r := &release{files: files, version: strings.TrimSuffix(strings.TrimPrefix(found[0], project+"_"), tail), sums: map[string]string{}, protocols: manifest}
	for line := range strings.Lines(string(text)) {
		sum, name, ok := strings.Cut(strings.TrimSpace(line), "  ")
		if !ok {
			return nil, fmt.Errorf("%s: %q is not a checksum and a file", found[0], line)
		}
		r.sums[name] = sum
	}
	return r, nil
}

func (r *release) is(wrong string, arguments ...any) {
	r.wrong = append(r.wrong, fmt.Errorf(wrong, arguments...))
}

// check compares the release with what is to be in it.
func (r *release) check(provider, agent []string, sboms bool) {
	for _, name := range slices.Sorted(maps.Keys(r.sums)) {
		content, err := r.read(name)
		if err != nil {
			r.is("%s: %w", name, err)
		} else if sumOf(content) != r.sums[name] {
			r.is("%s: its checksum is another one", name)
		}
	}
	r.manifest()
	for _, platform := range provider {
		program := project + "_v" + r.version
		if strings.HasPrefix(platform, "windows_") {
			program += ".exe"
		}
		r.archive(fmt.Sprintf("%s_%s_%s.zip", project, r.version, platform), platform, unzip, []string{"LICENSE"}, program, sboms)
	}
	for _, platform := range agent {
		folder := fmt.Sprintf("lvs-agent_%s_%s", r.version, platform)
		files := []string{folder + "/LICENSE", folder + "/CHANGELOG.md", folder + "/packaging/lvs-agent.service", folder + "/packaging/lvs-agent.sysusers"}
		r.archive(folder+".tar.gz", platform, untar, files, folder+"/lvs-agent", sboms)
	}
}

// published returns a file of the release, or nil when there is none, or none with a checksum.
func (r *release) published(name string) []byte {
	if _, ok := r.sums[name]; !ok {
		r.is("%s: it has no checksum", name)
		return nil
	}
	content, err := r.read(name)
	if err != nil {
		return nil // that is said of its checksum
	}
	return content
}

func (r *release) read(name string) ([]byte, error) {
	if name == r.manifestName() {
		return r.protocols, nil
	}
	return fs.ReadFile(r.files, name)
}

func (r *release) manifestName() string {
	return fmt.Sprintf("%s_%s_manifest.json", project, r.version)
}

func sumOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// manifest tells a registry which protocol the provider speaks.
func (r *release) manifest() {
	name := r.manifestName()
	content := r.published(name)
	if content == nil {
		return
	}
	var m struct {
		Metadata struct {
			Versions []string `json:"protocol_versions"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(content, &m); err != nil || !slices.Equal(m.Metadata.Versions, []string{"6.0"}) {
		r.is("%s: the protocol versions are %v, and not 6.0 alone: %v", name, m.Metadata.Versions, err)
	}
}

// member is a file in an archive.
type member struct {
	content []byte
	mode    fs.FileMode
}

// archive has the program of a platform, and some files.
func (r *release) archive(name, platform string, unpack func([]byte) (map[string]member, error), files []string, program string, sboms bool) {
	content := r.published(name)
	if content == nil {
		return
	}
	all, err := unpack(content)
	if err != nil {
		r.is("%s: %w", name, err)
		return
	}
	if has, want := slices.Sorted(maps.Keys(all)), slices.Sorted(slices.Values(append(files, program))); !slices.Equal(has, want) {
		r.is("%s: it holds %q, want %q", name, has, want)
		return
	}
	if all[program].mode.Perm() != 0o755 {
		r.is("%s: %s has the mode %s, want 0755", name, program, all[program].mode)
	}
	info, err := buildinfo.Read(bytes.NewReader(all[program].content))
	if err != nil {
		r.is("%s: %s: %w", name, program, err)
		return
	}
	for setting, want := range map[string]string{"GOOS": strings.Split(platform, "_")[0], "GOARCH": strings.Split(platform, "_")[1], "CGO_ENABLED": "0", "-trimpath": "true"} {
		if is := settingOf(info, setting); is != want {
			r.is("%s: %s was built with %s=%s, want %s", name, program, setting, is, want)
		}
	}
	if sboms {
		r.sbom(name+".sbom.json", info)
	}
}

func settingOf(info *debug.BuildInfo, name string) string {
	for _, s := range info.Settings {
		if s.Key == name {
			return s.Value
		}
	}
	return ""
}

// sbom lists every module that the program is made of.
func (r *release) sbom(name string, info *debug.BuildInfo) {
	content := r.published(name)
	if content == nil {
		return
	}
	var document struct {
		Version  string `json:"spdxVersion"`
		Packages []struct {
			Name    string `json:"name"`
			Version string `json:"versionInfo"`
		} `json:"packages"`
	}
	if err := json.Unmarshal(content, &document); err != nil || !strings.HasPrefix(document.Version, "SPDX-") {
		r.is("%s: it is no SPDX document: %q %v", name, document.Version, err)
		return
	}
	listed := map[string]string{}
	for _, p := range document.Packages {
		listed[p.Name] = p.Version
	}
	for _, module := range info.Deps {
		if listed[module.Path] != module.Version {
			r.is("%s: it has %s in version %q, want %s", name, module.Path, listed[module.Path], module.Version)
		}
	}
}

func unzip(content []byte) (map[string]member, error) {
	archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return nil, err
	}
	all := map[string]member{}
	for _, f := range archive.File {
		in, err := f.Open()
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(in)
		if err := errors.Join(err, in.Close()); err != nil {
			return nil, err
		}
		all[f.Name] = member{data, f.Mode()}
	}
	return all, nil
}

func untar(content []byte) (map[string]member, error) {
	unpacked, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	all, archive := map[string]member{}, tar.NewReader(unpacked)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		if header.Typeflag == tar.TypeDir {
			continue
		}
		data, err := io.ReadAll(archive)
		if err != nil {
			return nil, err
		}
		all[path.Clean(header.Name)] = member{data, header.FileInfo().Mode()}
	}
}
