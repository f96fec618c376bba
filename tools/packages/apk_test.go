package packages_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chainguard.dev/apko/pkg/apk/apk"
	"chainguard.dev/apko/pkg/apk/expandapk"
	apkfs "chainguard.dev/apko/pkg/apk/fs"
)

var (
	apkFile = flag.String("apk", "", "the apk to install; without it, its tests are skipped")
	debFile = flag.String("deb", "", "the deb of the same version, with which it is compared")
)

// A localPackage is the file of an apk.
type localPackage string

func (p localPackage) URL() string            { return string(p) }
func (p localPackage) PackageName() string    { return "ems-sidecar" }
func (p localPackage) ChecksumString() string { return "" }

// install installs the apk in an empty directory, as apk does, but by code of others: apk is in no
// Debian. It returns the directory, and what the database of packages has.
func install(t *testing.T) (root string, installed *apk.InstalledPackage) {
	t.Helper()
	if *apkFile == "" {
		t.Skip("there is no -apk")
	}
	root = t.TempDir()
	ctx := context.Background()
	a, err := apk.New(ctx, apk.WithFS(apkfs.DirFS(ctx, root)), apk.WithArch("x86_64"), apk.WithIgnoreMknodErrors(true))
	if err != nil {
		t.Fatal(err)
	}
	if err := a.InitDB(ctx); err != nil {
		t.Fatal(err)
	}
	epoch := time.Unix(0, 0)
	if _, err := a.InstallPackages(ctx, &epoch, []apk.InstallablePackage{localPackage(*apkFile)}); err != nil {
		t.Fatal(err)
	}
	all, err := a.GetInstalled()
	if err != nil || len(all) != 1 {
		t.Fatalf("installed are %d packages (%v)", len(all), err)
	}
	return root, all[0]
}

// files returns the modes and sums of the files below root, by their names.
func files(t *testing.T, root string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(p, root)
		found[name] = fmt.Sprintf("%v %x", fi.Mode(), sha256.Sum256(b))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestApkInstallsWhatTheDebDoes(t *testing.T) {
	root, _ := install(t)
	debRoot := t.TempDir()
	if out, err := exec.Command("dpkg-deb", "-x", *debFile, debRoot).CombinedOutput(); err != nil {
		t.Fatalf("dpkg-deb: %v\n%s", err, out)
	}
	want := map[string]string{}
	for name, file := range files(t, debRoot) {
		if !strings.Contains(name, "/lintian/") {
			want[strings.Replace(name, "zsh/vendor-completions", "zsh/site-functions", 1)] = file
		}
	}
	got := files(t, root)
	maps.DeleteFunc(got, func(name, _ string) bool { // apk's own
		return strings.HasPrefix(name, "/usr/lib/apk/") || strings.HasPrefix(name, "/lib/apk/") ||
			strings.HasPrefix(name, "/etc/apk/")
	})
	if len(got) < 20 {
		t.Errorf("it has %d files", len(got))
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] != want[name] {
			t.Errorf("%s is %q, and %q from the deb", name, got[name], want[name])
		}
		delete(got, name)
	}
	for name := range got {
		t.Errorf("only the apk has %s", name)
	}
}

func TestApkSaysWhatItIsAndHasItsScripts(t *testing.T) {
	root, installed := install(t)
	if installed.Name != "ems-sidecar" || installed.Arch != "x86_64" || installed.License != "MIT" ||
		!strings.Contains(filepath.Base(*apkFile), "_"+installed.Version+"_") {
		t.Errorf("it says that it is %+v", installed.Package)
	}
	archive, err := os.ReadFile(filepath.Join(root, "usr/lib/apk/db/scripts.tar"))
	if err != nil {
		t.Fatal(err)
	}
	scripts := map[string]string{}
	for header, content := range entries(t, bytes.NewReader(archive)) {
		scripts[header.Name[strings.LastIndexByte(header.Name, '.')+1:]] = content
	}
	for when, source := range map[string]string{"pre-install": "preinstall.sh", "pre-upgrade": "preinstall.sh",
		"post-install": "postinstall.sh", "pre-deinstall": "preremove.sh", "post-deinstall": "postremove.sh"} {
		want, err := os.ReadFile(filepath.Join("../../deploy/package", source))
		if err != nil {
			t.Fatal(err)
		}
		if scripts[when] != string(want) {
			t.Errorf("its script %s is not %s, but %q", when, source, scripts[when])
		}
	}
	if len(scripts) != 5 {
		t.Errorf("it has %d scripts", len(scripts))
	}
}

// entries returns what is in a tar.
func entries(t *testing.T, archive io.Reader) iter.Seq2[*tar.Header, string] {
	return func(yield func(*tar.Header, string) bool) {
		for r := tar.NewReader(archive); ; {
			header, err := r.Next()
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			if !yield(header, string(b)) {
				return
			}
		}
	}
}

// A host compares what it gets with this sum, and each file with its own.
func TestApkHasTheSumOfItsDataAndItsOwners(t *testing.T) {
	if *apkFile == "" {
		t.Skip("there is no -apk")
	}
	f, err := os.Open(*apkFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	expanded, err := expandapk.ExpandApk(t.Context(), f, t.TempDir()) // compares those of the files
	if err != nil {
		t.Fatal(err)
	}
	defer expanded.Close()
	control, err := fs.ReadFile(expanded.ControlFS, ".PKGINFO")
	if err != nil {
		t.Fatal(err)
	}
	want := "\ndatahash = " + hex.EncodeToString(expanded.PackageHash) + "\n"
	if !strings.Contains(string(control), want) {
		t.Errorf("%q is not in:\n%s", want, control)
	}
	for line := range strings.Lines(string(control)) {
		if !strings.Contains(line, " = ") && !strings.HasPrefix(line, "#") && line != "\n" {
			t.Errorf("a line has no value, which not all readers take: %q", line)
		}
	}
	data, err := expanded.PackageData()
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	const config = "etc/ems-sidecar/config.ini"
	owners := map[string]string{}
	for header := range entries(t, data) {
		owners[header.Name] = header.Uname + ":" + header.Gname
		if header.Typeflag == tar.TypeReg && header.Name != config && owners[header.Name] != "root:root" {
			t.Errorf("%s belongs to %s", header.Name, owners[header.Name])
		}
	}
	if owners[config] != "root:ems-sidecar" {
		t.Errorf("%s belongs to %q", config, owners[config])
	}
}
