package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

type ipvsTableOutput struct{ Body spec.IPVSTable }

func registerIPVSTable(h huma.API, read func(context.Context) (spec.IPVSTable, error)) {
	huma.Register(h, huma.Operation{
		OperationID: "ipvs-table", Method: http.MethodGet, Path: "/v1/ipvs-table", Tags: []string{"director"},
		Summary: "The kernel's IPVS table, services of others included; 503 while the kernel has none",
	}, func(ctx context.Context, _ *struct{}) (*ipvsTableOutput, error) {
		table, err := read(ctx)
		if err != nil {
			return nil, newProblem(http.StatusServiceUnavailable, "read the IPVS table: "+err.Error(), nil)
		}
		return &ipvsTableOutput{Body: table}, nil
	})
}
