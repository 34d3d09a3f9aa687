package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

const (
	// refreshAfter is how old keys may be before they are fetched again; Entra publishes a new one days before it signs.
	refreshAfter = time.Hour
	// staleLimit is how long keys are believed while they cannot be fetched: a withdrawn one must not live for ever.
	staleLimit = 24 * time.Hour
	// minFetchInterval is between two fetches, whatever they are for and however they end.
	minFetchInterval = time.Minute
	// fetchTimeout is what one fetch may take.
	fetchTimeout = 10 * time.Second
	// maxDocumentBytes bounds a key document. Entra's has about 15 KB.
	maxDocumentBytes = 1 << 20
)

// jwksCache holds the keys that Entra signs with. The first token makes it fetch them, and so does, at most once a
// minute, a token with a key it does not know. It fetches itself, for keyfunc's own client bounds the fetch for an
// unknown key by the time that it may wait for its limiter, and lets the caller who started a fetch cancel it.
type jwksCache struct {
	ctx    context.Context // the server's: a fetch is for everybody, so no caller ends it
	url    string
	client *http.Client
	now    func() time.Time

	mu          sync.Mutex
	keys        keyfunc.Keyfunc // nil before the first fetch that succeeds
	fetched     time.Time       // when known was
	lastAttempt time.Time       // when the last fetch began
	lastErr     error           // how it failed; nil when it did not
	inFlight    chan struct{}   // closed when the fetch under way ends; nil when none is
}

// keysUnavailableError is a failure to know the keys: it says nothing of the token. Only who started the fetch learns its cause,
// so that a log has one line for each.
type keysUnavailableError struct{ cause error }

func (keysUnavailableError) Error() string { return "Entra's signing keys are not known" }

// signingKey finds the key that token names.
func (k *jwksCache) signingKey(ctx context.Context, token *jwt.Token) (any, error) {
	known, err := k.freshKeys(ctx, refreshAfter)
	if known == nil {
		return nil, err
	}
	key, missing := known.KeyfuncCtx(ctx)(token)
	if !errors.Is(missing, jwkset.ErrKeyNotFound) {
		return key, missing
	}
	if known, err = k.freshKeys(ctx, minFetchInterval); err != nil {
		return nil, err
	}
	return known.KeyfuncCtx(ctx)(token)
}

// freshKeys returns keys fetched less than age ago, and fetches them if a fetch is due. Where it cannot have such, it
// returns an error, beside the keys that are still believed.
func (k *jwksCache) freshKeys(ctx context.Context, age time.Duration) (keyfunc.Keyfunc, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys != nil && k.now().Sub(k.fetched) < age {
		return k.keys, nil
	}
	due := k.inFlight == nil && (k.lastAttempt.IsZero() || k.now().Sub(k.lastAttempt) >= minFetchInterval)
	if due {
		k.lastAttempt, k.inFlight = k.now(), make(chan struct{})
		go k.refresh(k.inFlight)
	}
	k.waitFetch(ctx)
	failed := keysUnavailableError{}
	if due {
		failed.cause = k.lastErr
	}
	switch {
	case k.keys == nil || k.now().Sub(k.fetched) >= staleLimit:
		return nil, failed
	case k.lastErr != nil || ctx.Err() != nil:
		return k.keys, failed
	}
	return k.keys, nil
}

// waitFetch waits, without the lock, until the fetch under way ends or the caller goes.
func (k *jwksCache) waitFetch(ctx context.Context) {
	flight := k.inFlight
	if flight == nil {
		return
	}
	k.mu.Unlock()
	defer k.mu.Lock()
	select {
	case <-flight:
	case <-ctx.Done():
	}
}

// refresh ends with its request, in ten seconds at most.
func (k *jwksCache) refresh(flight chan struct{}) {
	known, err := k.fetchKeys()
	k.mu.Lock()
	defer k.mu.Unlock()
	if err == nil {
		k.keys, k.fetched = known, k.now()
	}
	k.lastErr, k.inFlight = err, nil
	close(flight)
}

func (k *jwksCache) fetchKeys() (keyfunc.Keyfunc, error) {
	ctx, cancel := context.WithTimeout(k.ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return nil, err
	}
	res, err := k.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", k.url, res.Status)
	}
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxDocumentBytes))
	if err != nil {
		return nil, err
	}
	return parseKeySet(raw)
}

// parseKeySet takes the keys it understands out of a key set (RFC 7517): one of a new kind must not lock everybody
// out. None at all is no answer of Entra's.
func parseKeySet(raw []byte) (keyfunc.Keyfunc, error) {
	var set jwkset.JWKSMarshal
	if err := json.Unmarshal(raw, &set); err != nil {
		return nil, errors.New("the answer is no key set: is there a proxy in between?")
	}
	store, found := jwkset.NewMemoryStorage(), 0
	for _, each := range set.Keys {
		key, err := jwkset.NewJWKFromMarshal(each, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
		if err != nil || each.KTY != jwkset.KtyRSA || each.KID == "" {
			continue
		}
		if err := store.KeyWrite(context.Background(), key); err != nil {
			return nil, err
		}
		found++
	}
	if found == 0 {
		return nil, errors.New("the answer has no RSA key: is there a proxy in between?")
	}
	return keyfunc.New(keyfunc.Options{Storage: store})
}
