package httpapi

import (
	"bytes"
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// backupPath answers with secrets, and so wants the scope write.
const backupPath = "/v1/backup"

type backupOutput struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

func registerBackup(h huma.API, a *api) {
	huma.Register(h, huma.Operation{
		OperationID: "backup", Method: http.MethodGet, Path: backupPath, Tags: []string{"director"},
		Summary: "A copy of the whole state, secrets included, for lvs-agent restore; it takes the scope write",
		Responses: map[string]*huma.Response{"200": {
			Description: "the file", Content: map[string]*huma.MediaType{"application/octet-stream": {}},
		}},
	}, func(ctx context.Context, _ *struct{}) (*backupOutput, error) {
		var file bytes.Buffer // first as a whole: what fails on the way must not look like a backup
		if err := a.store.Backup(&file); err != nil {
			return nil, a.refuse(err, "back the state up")
		}
		a.auditSecrets(ctx, "backup")
		return &backupOutput{ContentType: "application/octet-stream", Body: file.Bytes()}, nil
	})
}
