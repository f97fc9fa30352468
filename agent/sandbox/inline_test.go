package sandbox

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// inlineSandbox returns one whose agent allows scripts in commands.
func inlineSandbox(t *testing.T) *Sandbox {
	t.Helper()
	s := newSandbox(t, "/no/such/folder", "nobody")
	s.inline = true
	return s
}

func TestScriptsWhoseTextIsGiven(t *testing.T) {
	s := inlineSandbox(t)
	for name, tt := range map[string]struct{ content, want string }{
		"passes":                            {"#!/bin/sh\nexit 0\n", "passed"},
		"fails":                             {"#!/bin/sh\necho no route; exit 3", "exit status 3: no route"},
		"hands its interpreter an argument": {"#! /bin/sh\t-e \nfalse\nexit 0", "exit status 1"},
		"is found by its interpreter":       {"#!/usr/bin/env bash\n[[ -n $BASH_VERSION ]] || exit 1", "passed"},
		"is for awk":                        {"#!/usr/bin/awk -f\nBEGIN { print \"low\"; exit 4 }", "exit status 4: low"},
		"cannot change itself":              {"#!/bin/sh\necho exit 0 >>$0 2>/dev/null && exit 1; exit 7", "exit status 7"},
		"is of some length":                 {"#!/bin/sh\n#" + strings.Repeat("x", 60_000) + "\nexit 5", "exit status 5"},
		"is run by what is not there":       {"#!/no/such/program\n", "the first line names /no/such/program to run the script: does not exist on this director"},
		"is run by what is no program":      {"#!/etc/passwd\n", "the first line names /etc/passwd to run the script, which is no program on this director"},
		"has only PATH":                     {"#!/bin/sh\ntr '\\0' ' ' </proc/$$/environ; exit 1", "exit status 1: PATH=/usr/sbin:/usr/bin:/sbin:/bin"},
		"leaves nothing behind":             {"#!/bin/sh\nsetsid sleep 60 &\nexit 0", "passed"},
	} {
		t.Run(name, func(t *testing.T) {
			got := text(s.Run(t.Context(), Command{Content: tt.content}))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTextOfAScriptRunsOnlyWhereItMay(t *testing.T) {
	const content = "#!/bin/sh\nexit 0\n"
	allowed, forbidden := inlineSandbox(t), newSandbox(t, "/etc/lvs-agent/scripts", "nobody")
	const why = "this agent runs no script whose text is in Terraform: set scripts { allow_inline = true } in its file, or put the script into /etc/lvs-agent/scripts and name it in command"
	for name, tt := range map[string]struct {
		sandbox       *Sandbox
		content       string
		check, policy spec.FieldErrors
	}{
		"allowed":   {allowed, content, nil, nil},
		"forbidden": {forbidden, content, spec.FieldErrors{{Pointer: "/content", Detail: why}}, spec.FieldErrors{{Pointer: "/content", Detail: why}}},
		"allowed, and cannot run": {allowed, "#!/no/such/program\n", spec.FieldErrors{{Pointer: "/content",
			Detail: "the first line names /no/such/program to run the script: does not exist on this director"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.check, tt.sandbox.Check(Command{Content: tt.content})); diff != "" {
				t.Errorf("check (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.policy, tt.sandbox.CheckPolicy(Command{Content: tt.content})); diff != "" {
				t.Errorf("policy (-want +got):\n%s", diff)
			}
		})
	}
	if diff := cmp.Diff(why, text(forbidden.Run(t.Context(), Command{Content: content}))); diff != "" {
		t.Errorf("a script that was allowed once (-want +got):\n%s", diff)
	}
}
