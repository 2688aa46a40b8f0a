package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Kind is a kind of an API version, and what becomes of it. Versions are those of Kubernetes: 1.25.
type Kind struct {
	APIVersion  string       `json:"apiVersion"`
	Kind        string       `json:"kind"`
	Introduced  string       `json:"introduced,omitempty"`
	Deprecated  string       `json:"deprecated,omitempty"`
	Removed     string       `json:"removed,omitempty"`
	Replacement *Replacement `json:"replacement,omitempty"`
}

// Replacement is what to use instead.
type Replacement struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
}

// generated is the file that has the methods, in the folder of each API version.
const generated = "zz_generated.prerelease-lifecycle.go"

// groupName is how the file beside it names the API group.
var groupName = regexp.MustCompile(`(?m)^const GroupName = "([^"]*)"`)

// lifecycles reads all kinds of a module that have a lifecycle.
func lifecycles(folder string) ([]Kind, error) {
	var found []Kind
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != generated {
			return err
		}
		kinds, err := ofPackage(filepath.Dir(path))
		found = append(found, kinds...)
		return err
	})
	return found, err
}

// ofPackage reads the kinds of one API version.
func ofPackage(folder string) ([]Kind, error) {
	register, err := os.ReadFile(filepath.Join(folder, "register.go"))
	if err != nil {
		return nil, err
	}
	group := groupName.FindSubmatch(register)
	if group == nil {
		return nil, fmt.Errorf("%s: register.go names no group", folder)
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(folder, generated), nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	apiVersion := apiVersion(string(group[1]), file.Name.Name)
	kinds := map[string]*Kind{}
	var order []string
	for _, declaration := range file.Decls {
		method, ok := declaration.(*ast.FuncDecl)
		if !ok || method.Recv == nil {
			continue
		}
		name := receiver(method)
		if kinds[name] == nil {
			kinds[name] = &Kind{APIVersion: apiVersion, Kind: name}
			order = append(order, name)
		}
		if err := kinds[name].take(method); err != nil {
			return nil, fmt.Errorf("%s: %s.%s: %w", folder, name, method.Name.Name, err)
		}
	}
	var found []Kind
	for _, name := range order {
		// Lists are no objects of a manifest, and go with what is in them.
		if item, isList := strings.CutSuffix(name, "List"); !isList || kinds[item] == nil {
			found = append(found, *kinds[name])
		}
	}
	return found, nil
}

// take reads what a method returns.
func (kind *Kind) take(method *ast.FuncDecl) error {
	values, err := returned(method)
	if err != nil {
		return err
	}
	switch method.Name.Name {
	case "APILifecycleIntroduced":
		kind.Introduced, err = release(values)
	case "APILifecycleDeprecated":
		kind.Deprecated, err = release(values)
	case "APILifecycleRemoved":
		kind.Removed, err = release(values)
	case "APILifecycleReplacement":
		kind.Replacement, err = replacement(values)
	}
	return err
}

// receiver is the type that a method is of.
func receiver(method *ast.FuncDecl) string {
	of := method.Recv.List[0].Type
	if pointer, ok := of.(*ast.StarExpr); ok {
		of = pointer.X
	}
	name, _ := of.(*ast.Ident)
	if name == nil {
		return ""
	}
	return name.Name
}

// returned are the expressions of the one statement that such a method has.
func returned(method *ast.FuncDecl) ([]ast.Expr, error) {
	if method.Body != nil && len(method.Body.List) == 1 {
		if statement, ok := method.Body.List[0].(*ast.ReturnStmt); ok {
			return statement.Results, nil
		}
	}
	return nil, fmt.Errorf("it does more than return")
}

// release reads `1, 25`.
func release(values []ast.Expr) (string, error) {
	var numbers []string
	for _, value := range values {
		literal, ok := value.(*ast.BasicLit)
		if !ok || literal.Kind != token.INT {
			return "", fmt.Errorf("it returns no numbers")
		}
		numbers = append(numbers, literal.Value)
	}
	if len(numbers) != 2 {
		return "", fmt.Errorf("it returns %d numbers", len(numbers))
	}
	return strings.Join(numbers, "."), nil
}

// replacement reads `schema.GroupVersionKind{Group: "policy", Version: "v1", Kind: "PodDisruptionBudget"}`.
func replacement(values []ast.Expr) (*Replacement, error) {
	fields := map[string]string{}
	if len(values) == 1 {
		if literal, ok := values[0].(*ast.CompositeLit); ok {
			for _, element := range literal.Elts {
				if err := addField(fields, element); err != nil {
					return nil, err
				}
			}
		}
	}
	if fields["Version"] == "" || fields["Kind"] == "" {
		return nil, fmt.Errorf("it returns no kind")
	}
	return &Replacement{apiVersion(fields["Group"], fields["Version"]), fields["Kind"]}, nil
}

func addField(fields map[string]string, element ast.Expr) error {
	pair, ok := element.(*ast.KeyValueExpr)
	if !ok {
		return fmt.Errorf("a field without a name")
	}
	key, _ := pair.Key.(*ast.Ident)
	value, _ := pair.Value.(*ast.BasicLit)
	if key == nil || value == nil {
		return fmt.Errorf("a field that is no text")
	}
	text, err := strconv.Unquote(value.Value)
	fields[key.Name] = text
	return err
}

// apiVersion is as objects name it: v1, apps/v1.
func apiVersion(group, version string) string {
	if group == "" {
		return version
	}
	return group + "/" + version
}
