package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sort"
	"strconv"
	"strings"
)

// errUnreachable says that the Go module proxy gave no answer.
var errUnreachable = errors.New("the Go module proxy can't be reached")

// newestPatches returns the newest released patch of every minor version of a module, oldest first.
func newestPatches(module string) ([]string, error) {
	out, err := goCommand("list", "-m", "-versions", "-json", module)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", errUnreachable, err)
	}
	var answer struct{ Versions []string }
	if err := json.Unmarshal(out, &answer); err != nil {
		return nil, err
	}
	newest := map[int]string{}
	for _, version := range answer.Versions {
		isRelease := strings.HasPrefix(version, "v0.") && !strings.Contains(version, "-")
		if isRelease && patch(version) >= patch(newest[minor(version)]) {
			newest[minor(version)] = version
		}
	}
	if len(newest) == 0 {
		return nil, fmt.Errorf("%s has no release", module)
	}
	var versions []string
	for _, version := range newest {
		versions = append(versions, version)
	}
	sort.Slice(versions, func(i, j int) bool { return minor(versions[i]) < minor(versions[j]) })
	return versions, nil
}

// download brings a module here, and returns its folder.
func download(module, version string) (string, error) {
	out, err := goCommand("mod", "download", "-json", module+"@"+version)
	var answer struct{ Dir, Error string }
	if parsed := json.Unmarshal(out, &answer); parsed == nil && answer.Error != "" {
		return "", fmt.Errorf("%w: %s", errUnreachable, answer.Error)
	}
	if err != nil {
		return "", fmt.Errorf("%w: %s", errUnreachable, err)
	}
	return answer.Dir, nil
}

// goCommand runs go outside of any module, so that none is changed.
func goCommand(arguments ...string) ([]byte, error) {
	command := exec.Command("go", arguments...)
	command.Dir = os.TempDir()
	command.Env = append(os.Environ(), "GO111MODULE=on", "GOWORK=off")
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		err = fmt.Errorf("go %s: %s", strings.Join(arguments, " "), strings.TrimSpace(stderr.String()))
	}
	return out, err
}

// minor is the second number of a version: 37 of v0.37.2, which is Kubernetes 1.37.
func minor(version string) int { return number(version, 1) }

// patch is the third number of a version; -1 where there is none.
func patch(version string) int { return number(version, 2) }

func number(version string, place int) int {
	parts := strings.Split(version, ".")
	if len(parts) <= place {
		return -1
	}
	value, err := strconv.Atoi(parts[place])
	if err != nil {
		return -1
	}
	return value
}
