// api-lifecycle writes the table of Kubernetes' API versions that helm-safe-upgrade knows: when each kind of each API version
// was introduced, and in which version of Kubernetes it is deprecated and no longer served.
//
// It reads what Kubernetes itself says: the methods APILifecycleIntroduced, -Deprecated, -Removed and -Replacement of the types in
// its published modules, of several versions, since types that are removed leave the newer ones. Where versions differ, the
// newest that has the type is right.
//
//	go run .          reads the newest patch of every minor version, and writes the table
//	go run . -check   makes the table again from the versions that it names, says where it differs, and whether a newer minor
//	                  version is out; writes nothing
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"sort"
	"strings"
)

// exitUnreachable is the exit code where the modules can't be had: nothing is known then.
const exitUnreachable = 75

// exitOutdated is the exit code where a newer Kubernetes is out than the table knows.
const exitOutdated = 3

var errOutdated = errors.New("the table is outdated")

// modules have types with a lifecycle. The first one says which minor versions there are; those of the others are the same, but some
// may be missing.
var modules = []string{"k8s.io/api", "k8s.io/apiextensions-apiserver", "k8s.io/kube-aggregator"}

// Table is the file.
type Table struct {
	// Modules are what it was made from: k8s.io/api v0.37.2.
	Modules []string
	// Kinds are sorted by API version and kind.
	Kinds []Kind
}

func main() {
	check := flag.Bool("check", false, "compare with the table, and write nothing")
	file := flag.String("table", "../../src/checks/apis/lifecycle.json", "the table")
	flag.Parse()
	run := write
	if *check {
		run = compare
	}
	if err := run(*file); err != nil {
		fmt.Fprintln(os.Stderr, "api-lifecycle:", err)
		if errors.Is(err, errUnreachable) {
			os.Exit(exitUnreachable)
		}
		if errors.Is(err, errOutdated) {
			os.Exit(exitOutdated)
		}
		os.Exit(1)
	}
}

// write makes the table from the newest patches.
func write(file string) error {
	var wanted []string
	for _, module := range modules {
		versions, err := newestPatches(module)
		if err != nil {
			return err
		}
		for _, version := range versions {
			wanted = append(wanted, module+" "+version)
		}
	}
	table, err := read(wanted)
	if err != nil {
		return err
	}
	text, err := table.text()
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d kinds from %d modules\n", len(table.Kinds), len(table.Modules))
	return os.WriteFile(file, text, 0o644)
}

// compare makes the table again, and looks for what is newer.
func compare(file string) error {
	committed, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var old Table
	if err := json.Unmarshal(committed, &old); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if len(old.Modules) == 0 {
		return fmt.Errorf("%s names no modules", file)
	}
	table, err := read(old.Modules)
	if err != nil {
		return err
	}
	text, err := table.text()
	if err != nil {
		return err
	}
	if !bytes.Equal(text, committed) {
		return fmt.Errorf("%s is not what its modules say: run go run . in tools/api-lifecycle", file)
	}
	versions, err := newestPatches(modules[0])
	if err != nil {
		return err
	}
	newest, known := versions[len(versions)-1], newestOf(old.Modules)
	if minor(newest) > minor(known) {
		return fmt.Errorf("%w: %s %s is out, and the table knows %s: run go run . in tools/api-lifecycle", errOutdated, modules[0], newest, known)
	}
	fmt.Printf("%d kinds, as of Kubernetes 1.%d\n", len(table.Kinds), minor(known))
	return nil
}

// newestOf returns the newest version of the first module.
func newestOf(read []string) string {
	newest := ""
	for _, one := range read {
		module, version, _ := strings.Cut(one, " ")
		if module == modules[0] && (newest == "" || minor(version) > minor(newest)) {
			newest = version
		}
	}
	return newest
}

// read makes the table of these modules.
func read(wanted []string) (Table, error) {
	type latest struct {
		minor int
		kind  Kind
	}
	found := map[string]latest{}
	var table Table
	for _, one := range wanted {
		module, version, _ := strings.Cut(one, " ")
		folder, err := download(module, version)
		if err != nil {
			return Table{}, err
		}
		kinds, err := lifecycles(folder)
		if err != nil {
			return Table{}, fmt.Errorf("%s: %w", one, err)
		}
		if len(kinds) > 0 { // the oldest modules have no such methods
			table.Modules = append(table.Modules, one)
		}
		for _, kind := range kinds {
			key := kind.APIVersion + "/" + kind.Kind
			if minor(version) >= found[key].minor {
				found[key] = latest{minor(version), kind}
			}
		}
	}
	for _, one := range found {
		table.Kinds = append(table.Kinds, one.kind)
	}
	sort.Slice(table.Kinds, func(i, j int) bool {
		a, b := table.Kinds[i], table.Kinds[j]
		return a.APIVersion < b.APIVersion || a.APIVersion == b.APIVersion && a.Kind < b.Kind
	})
	return table, nil
}

// text is the file: a line for each module and each kind, so that changes are easy to read.
func (table Table) text() ([]byte, error) {
	var out bytes.Buffer
	out.WriteString("{\n  \"about\": \"Written by tools/api-lifecycle. Do not edit.\",\n")
	err := list(&out, "modules", table.Modules)
	if err == nil {
		out.WriteString(",\n")
		err = list(&out, "kinds", table.Kinds)
	}
	out.WriteString("\n}\n")
	return out.Bytes(), err
}

func list[T any](out *bytes.Buffer, name string, items []T) error {
	fmt.Fprintf(out, "  %q: [\n", name)
	for i, item := range items {
		line, err := json.Marshal(item)
		if err != nil {
			return err
		}
		comma := ","
		if i == len(items)-1 {
			comma = ""
		}
		fmt.Fprintf(out, "    %s%s\n", line, comma)
	}
	out.WriteString("  ]")
	return nil
}
