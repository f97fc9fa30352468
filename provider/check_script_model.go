package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/client"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Values that a rhythm which is not known yet is read as: with them nothing else is out of range.
const (
	longestInterval = spec.Duration(24 * 3600 * 1e9)
	shortestTimeout = spec.Duration(1)
)

type checkScriptModel struct {
	placement
	patience
	Name     types.String         `tfsdk:"name"`
	Command  types.List           `tfsdk:"command"`
	Content  types.String         `tfsdk:"content"`
	Interval timetypes.GoDuration `tfsdk:"interval"`
	Timeout  timetypes.GoDuration `tfsdk:"timeout"`
	Rise     types.Int64          `tfsdk:"rise"`
	Fall     types.Int64          `tfsdk:"fall"`
}

func checkScripts() kind[spec.CheckScript, spec.CheckScriptStatus] {
	return kind[spec.CheckScript, spec.CheckScriptStatus]{
		kind: spec.KindCheckScript, resource: "lvs_check_script", title: "Check Script",
		identity:   byName("check script"),
		keys:       func(s *spec.Snapshot) []string { return keysOf(s.CheckScripts) },
		collection: (*client.Client).CheckScripts,
		find: func(s *spec.Snapshot, key string) (spec.CheckScript, bool) {
			v, ok := s.CheckScripts[key]
			return v.Spec, ok
		},
	}
}

func (m *checkScriptModel) key() string { return m.Name.ValueString() }

func (m *checkScriptModel) spec(string) spec.CheckScript {
	v := spec.DefaultCheckScript()
	v.Command = textList(m.Command)
	v.Content = m.Content.ValueString()
	if m.Content.IsUnknown() {
		v.Content = "#!/bin/sh" // there will be some, with which nothing is wrong yet
	}
	v.Interval = duration(m.Interval, v.Interval, longestInterval)
	v.Timeout = duration(m.Timeout, v.Interval, shortestTimeout)
	v.Rise, v.Fall = number(m.Rise, v.Rise), number(m.Fall, v.Fall)
	return v
}

func (m *checkScriptModel) variants() []string { return []string{""} }

func (m *checkScriptModel) validate(string) spec.FieldErrors {
	v := m.spec("")
	return append(spec.ValidateName(m.key()), v.Validate()...)
}

func (m *checkScriptModel) locate(_, pointer string) string { return pointer }

// complete gives the timeout its default, the interval.
func (m *checkScriptModel) complete() {
	if m.Timeout.IsUnknown() && !m.Interval.IsUnknown() {
		m.Timeout = m.Interval
	}
}

func (m *checkScriptModel) adopt(map[string]spec.CheckScript, []string) {}

func (m *checkScriptModel) observe(actual map[string]spec.CheckScript) {
	v := agree(m.spec(""), actual)
	m.Command = textListAsBefore(v.Command, m.Command)
	if had := m.Content; v.Content != "" || had.ValueString() != "" || had.IsNull() {
		m.Content = optionalWord(v.Content)
	}
	m.Interval, m.Timeout = durationValue(v.Interval), durationValue(v.Timeout)
	m.Rise, m.Fall = types.Int64Value(int64(v.Rise)), types.Int64Value(int64(v.Fall))
}
