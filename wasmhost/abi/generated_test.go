package abi_test

import (
	"flag"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/troupebase/troupe/wasmhost/abi"
)

var update = flag.Bool("update", false, "write what is generated from the table")

const (
	extensions = "../../extensions"
	guests     = "../testdata" // those of the host's tests
)

// TestGenerated holds what stands in the documentation and in the SDKs against the table.
func TestGenerated(t *testing.T) {
	for file, make := range map[string]func(t *testing.T, old string) string{
		filepath.Join(extensions, "abi.md"):                        documentation,
		filepath.Join(extensions, "sdk/go/imports.go"):             goImports,
		filepath.Join(extensions, "sdk/c/troupe.h"):                cImports,
		filepath.Join(extensions, "sdk/assemblyscript/imports.ts"): assemblyScriptImports,
		filepath.Join(guests, "troupe.h"):                          testImports,
		filepath.Join(guests, "calls.h"):                           testCalls,
	} {
		t.Run(filepath.Base(file), func(t *testing.T) {
			old, err := os.ReadFile(file)
			if err != nil && !*update {
				t.Fatal(err)
			}
			want := make(t, string(old))
			if want == string(old) {
				return
			}
			if !*update {
				t.Fatalf("%s is not what the table of host functions says: go generate ./wasmhost/abi", file)
			}
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// between puts text between the line that begins and the next one that ends a generated part.
func between(t *testing.T, old, begin, end, text string) string {
	t.Helper()
	head, rest, ok := strings.Cut(old, begin+"\n")
	_, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("there is no part that begins with %q and ends with %q", begin, end)
	}
	return head + begin + "\n" + text + end + tail
}

func documentation(t *testing.T, old string) string {
	sections := make(map[string]string)
	for _, f := range abi.Functions {
		if sections[f.Section] == "" {
			sections[f.Section] = "| function | type | |\n|---|---|---|\n"
		}
		var names []string
		for _, p := range f.Params {
			names = append(names, p.Name)
			if p.Size != "" {
				names = append(names, p.Size)
			}
		}
		sections[f.Section] += fmt.Sprintf("| `%s(%s)` | `%s` | %s |\n", f.Name, strings.Join(names, ", "), signature(&f), f.About)
	}
	for section, table := range sections {
		old = between(t, old, "<!-- functions: "+section+" -->", "<!-- end -->", table)
	}
	return old
}

// signature is the type of a function as WebAssembly writes it, many equal parameters shortened.
func signature(f *abi.Function) string {
	letters := f.Values()
	var types []string
	for _, l := range letters {
		types = append(types, map[rune]string{'i': "i32", 'd': "f64"}[l])
	}
	params := strings.Join(types, ",")
	if len(letters) > 2 && strings.Trim(letters, "i") == "" {
		params = fmt.Sprintf("i32 ×%d", len(letters))
	}
	result := "i32"
	if f.Wide {
		result = "i64"
	}
	return "(" + params + ")->" + result
}

var word = regexp.MustCompile(`(?:^|_)([a-z0-9]+)`)

// camel is a name as Go writes it.
func camel(name string) string {
	return word.ReplaceAllStringFunc(name, func(w string) string {
		w = strings.TrimPrefix(w, "_")
		if w == "json" || w == "sql" {
			return strings.ToUpper(w)
		}
		return strings.ToUpper(w[:1]) + w[1:]
	})
}

const goHead = `//go:build wasip1

// Code generated from the table in wasmhost/abi; DO NOT EDIT.

package troupe

import "unsafe"

// The host's functions as abi.md names them. A string travels as pointer and length. Nothing escapes: the host is done with
// every pointer when it returns.
`

func goImports(t *testing.T, _ string) string {
	var b strings.Builder
	b.WriteString(goHead)
	for _, f := range abi.Functions {
		var params []string
		pointers := false
		for _, p := range f.Params {
			switch p.Kind {
			case abi.Text:
				params = append(params, p.Name+" string")
				pointers = true
			case abi.JSON, abi.Bytes, abi.Buffer:
				params = append(params, p.Name+" unsafe.Pointer, "+p.Size+" uint32")
				pointers = true
			case abi.Out:
				params = append(params, p.Name+" unsafe.Pointer")
				pointers = true
			case abi.Float:
				params = append(params, p.Name+" float64")
			default:
				params = append(params, p.Name+" int32")
			}
		}
		result := "int32"
		if f.Wide {
			result = "int64"
		}
		fmt.Fprintf(&b, "\n//go:wasmimport %s %s\n", abi.Module, f.Name)
		if pointers {
			b.WriteString("//go:noescape\n")
		}
		fmt.Fprintf(&b, "func host%s(%s) %s\n", camel(f.Name), strings.Join(params, ", "), result)
	}
	out, err := format.Source([]byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// The lines around what is generated in a header of C.
const (
	beginOfC = "/* generated from the table in wasmhost/abi */"
	endOfC   = "/* end of what is generated */"
)

func cImports(t *testing.T, old string) string {
	var b strings.Builder
	for _, f := range abi.Functions {
		var params []string
		for _, p := range f.Params {
			switch p.Kind {
			case abi.Text, abi.JSON:
				params = append(params, "const void *"+p.Name+", uint32_t "+p.Size)
			case abi.Bytes, abi.Buffer:
				params = append(params, "void *"+p.Name+", uint32_t "+p.Size)
			case abi.Out:
				params = append(params, "double *"+p.Name)
			case abi.Float:
				params = append(params, "double "+p.Name)
			default:
				params = append(params, "int32_t "+p.Name)
			}
		}
		if len(params) == 0 {
			params = append(params, "void")
		}
		macro := "TROUPE_IMPORT"
		if f.Wide {
			macro = "TROUPE_IMPORT_WIDE"
		}
		fmt.Fprintf(&b, "%s(%s)(%s);\n", macro, f.Name, strings.Join(params, ", "))
	}
	return between(t, old, beginOfC, endOfC, b.String())
}

// testImports declares the functions for guests that pass wrong pointers on purpose: every i32 is a number.
func testImports(t *testing.T, old string) string {
	var b strings.Builder
	for _, f := range abi.Functions {
		var params []string
		for _, l := range f.Values() {
			params = append(params, map[rune]string{'i': "u32", 'd': "double"}[l])
		}
		if len(params) == 0 {
			params = append(params, "void")
		}
		result := "i32"
		if f.Wide {
			result = "i64"
		}
		fmt.Fprintf(&b, "FN(%s) %s t_%s(%s);\n", f.Name, result, f.Name, strings.Join(params, ", "))
	}
	return between(t, old, beginOfC, endOfC, b.String())
}

const callsHead = `// Code generated from the table in wasmhost/abi; DO NOT EDIT.
#pragma once
#include "troupe.h"

// The function with this index in the table is called with words of 64 bits, those of a double as they are.
static i64 call(u64 function, u64 *a) {
  switch (function) {
`

// testCalls is what the puppet calls functions with.
func testCalls(_ *testing.T, _ string) string {
	var b strings.Builder
	b.WriteString(callsHead)
	for i, f := range abi.Functions {
		var args []string
		for n, l := range f.Values() {
			word := fmt.Sprintf("a[%d]", n)
			if l == 'd' {
				word = "number(" + word + ")"
			}
			args = append(args, word)
		}
		fmt.Fprintf(&b, "  case %d: return t_%s(%s);\n", i, f.Name, strings.Join(args, ", "))
	}
	b.WriteString("  }\n  return -1000;\n}\n")
	return b.String()
}

const assemblyScriptHead = `// Code generated from the table in wasmhost/abi; DO NOT EDIT.
// What the host offers, as ../../abi.md names it.
`

func assemblyScriptImports(_ *testing.T, _ string) string {
	var b strings.Builder
	b.WriteString(assemblyScriptHead)
	for _, f := range abi.Functions {
		var params []string
		for _, p := range f.Params {
			switch p.Kind {
			case abi.Float:
				params = append(params, p.Name+": f64")
			case abi.Int, abi.Handle:
				params = append(params, p.Name+": i32")
			default:
				params = append(params, p.Name+": usize")
				if p.Size != "" {
					params = append(params, p.Size+": i32")
				}
			}
		}
		result := "i32"
		if f.Wide {
			result = "i64"
		}
		fmt.Fprintf(&b, "\n// @ts-ignore: decorator\n@external(%q, %q) export declare function host_%s(%s): %s;\n", abi.Module, f.Name, f.Name, strings.Join(params, ", "), result)
	}
	return b.String()
}

// TestTable: names are unique, and each function says what it does.
func TestTable(t *testing.T) {
	seen := make(map[string]bool)
	for _, f := range abi.Functions {
		if seen[f.Name] || f.About == "" || f.Section == "" {
			t.Errorf("%q stands twice, or has no section or description", f.Name)
		}
		seen[f.Name] = true
	}
}
