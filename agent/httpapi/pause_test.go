package httpapi

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"
)

func TestServerThatIsPausedAnswersWhatItBeganAndTheNextOneWhatCameMeanwhile(t *testing.T) {
	t.Parallel()
	arrived, answer := make(chan struct{}, 1), make(chan struct{})
	slow := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		arrived <- struct{}{}
		<-answer
		_, _ = io.WriteString(w, "first") // or the test says so
	})
	s, err := Listen("127.0.0.1:0", TLSFiles{}, nil, 0, slow, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	get := func() <-chan string {
		got := make(chan string, 1)
		go func() {
			client := http.Client{Transport: &http.Transport{}, Timeout: 30 * time.Second}
			response, err := client.Get("http://" + s.Address().String())
			if err != nil {
				got <- err.Error()
				return
			}
			body, _ := io.ReadAll(response.Body)
			_ = response.Body.Close()
			got <- string(body)
		}()
		return got
	}
	run := func() (pause context.CancelCauseFunc, ended chan error) {
		ctx, pause := context.WithCancelCause(t.Context())
		ended = make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		return pause, ended
	}

	pause, ended := run()
	first := get()
	<-arrived
	pause(ErrPaused)
	time.Sleep(10 * time.Millisecond) // it accepts nothing any more, or the slow handler gets the next one, too
	second := get()
	close(answer)
	if got := <-first; got != "first" {
		t.Errorf("the request that was under way: %s", got)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}

	s.handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "second") })
	pause, ended = run()
	if got := <-second; got != "second" {
		t.Errorf("the request that came while nobody served: %s", got)
	}
	pause(nil)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
