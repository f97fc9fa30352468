package vrrp

import (
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestFaultOf_WhatFailedOnAnInterfaceInTroubleIsOverWithTheTrouble(t *testing.T) {
	t.Parallel()
	e := NewEngine(Config{Log: slog.New(slog.DiscardHandler)})
	v := spec.DefaultVRRPInstance()
	v.VirtualRouterID, v.Interface = 51, "eth0"
	en := &entry{spec: v, router: newRouter("web", v, e.Log, func() {}, new(atomic.Int64))}

	en.router.failed(errors.New("put addresses on eth0: network is down"))
	if got := e.faultOf(en, facts{}, nil); got == "" {
		t.Error("a failure on an interface that is well is no fault")
	}
	if got, want := e.faultOf(en, facts{err: errors.New("interface eth0 is down")}, nil), "interface eth0 is down"; got != want {
		t.Errorf("fault %q, want %q", got, want)
	}
	if got := e.faultOf(en, facts{}, nil); got != "" {
		t.Errorf("with the interface well again the fault is %q", got)
	}
}
