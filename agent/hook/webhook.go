package hook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// maxAnswer is how much of an answer is read, in bytes.
const maxAnswer = 1 << 10

// post sends a notification as Standard Webhooks says (https://www.standardwebhooks.com): whoever has a library for
// that has one for these.
func (w *Network) post(ctx context.Context, id spec.HookID, v spec.Hook, n spec.Notification) (Result, error) {
	body, err := spec.Encode(n)
	if err != nil {
		return Refused, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, v.Timeout.Std(), tooLong(v.Timeout))
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, v.Webhook.URL, bytes.NewReader(body))
	if err != nil {
		return Refused, err
	}
	message, now := messageID(id, n), time.Now()
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "lvs-agent")
	request.Header.Set("Webhook-Id", message)
	request.Header.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	if key := v.Webhook.Key(); len(key) > 0 {
		request.Header.Set("Webhook-Signature", signature(key, message, now, body))
	}
	sender := w.client
	if v.Webhook.CACertPEM != "" {
		sender = client([]byte(v.Webhook.CACertPEM))
	}
	response, err := sender.Do(request)
	if err != nil {
		return Untold, requestReason(ctx, err)
	}
	defer func() { _ = response.Body.Close() }() // there is nothing to be done about it
	return judge(response)
}

// judge says what an answer means.
func judge(response *http.Response) (Result, error) {
	text, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswer)) // the status says it; the text only explains
	if response.StatusCode/100 == 2 {
		return Told, nil
	}
	reason := response.Status
	if line := spec.OneLine(string(text)); line != "" {
		reason += ": " + line
	}
	switch response.StatusCode {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return Refused, errors.New(reason) // the same again would not be taken either, and others wait behind it
	}
	return Untold, errors.New(reason)
}

// requestReason says why there was no answer, without the URL, which the reader knows.
func requestReason(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	return errors.New(spec.OneLine(err.Error()))
}

// messageID tells a notification from all others, and is the same each time that it is sent.
func messageID(id spec.HookID, n spec.Notification) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d %d", n.Director, id, n.Event.Revision, n.Event.Time.UnixNano()))
	return "msg_" + hex.EncodeToString(sum[:16])
}

// signature is over the message's id, the time of sending in seconds, and the body.
func signature(key []byte, message string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%d.", message, at.Unix())
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// client returns a client that trusts the authorities in a PEM, or those of the system. It follows no redirect, which
// would turn the POST into a GET.
func client(authorities []byte) *http.Client {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, IdleConnTimeout: time.Minute, MaxIdleConnsPerHost: 1}
	if authorities != nil {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(authorities)
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
		transport.DisableKeepAlives = true // nobody uses it again
	}
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}
