package slackbot

import (
	"context"
	"encoding/json"
	"errors"
	"runtime/debug"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// sockets is how many connections are kept: Slack closes each of them every few hours, and slack-go closes the
// old one before it opens the new one, so that a single one leaves a gap in which a click is lost.
const sockets = 2

// ackWithin bounds the wait for a connection to take an acknowledgement; Slack itself waits three seconds.
const ackWithin = 2 * time.Second

// openSockets keeps the connections until ctx ends. What it returns waits for them to be gone.
func (b *Bot) openSockets(ctx context.Context) (wait func()) {
	var open sync.WaitGroup
	for i := range sockets {
		open.Go(func() {
			delay := time.NewTimer(time.Duration(i) * b.stagger)
			defer delay.Stop()
			select {
			case <-delay.C:
				b.keepSocket(ctx)
			case <-ctx.Done():
			}
		})
	}
	return open.Wait
}

// keepSocket runs one connection, which reconnects by itself, and starts it anew should it ever give up.
func (b *Bot) keepSocket(ctx context.Context) {
	for ctx.Err() == nil {
		client := socketmode.New(b.api)
		ended := make(chan error, 1)
		alive, stop := context.WithCancel(ctx)
		go func() { ended <- client.RunContext(alive) }()
		err := b.listen(client, ended)
		stop()
		b.giveUpOn(err)
		if ctx.Err() == nil {
			b.cfg.Log.Warn("a socket to Slack ended and is opened anew", "error", err)
			pause(ctx, time.Second)
		}
	}
}

// listen takes what arrives on one connection until it ends. It never blocks: slack-go stops reading, and
// never reconnects, once its events are not taken.
func (b *Bot) listen(client *socketmode.Client, ended <-chan error) error {
	var answering sync.WaitGroup
	defer answering.Wait()
	for {
		select {
		case err := <-ended:
			return err
		case event := <-client.Events:
			b.hear(client, event, &answering)
		}
	}
}

func (b *Bot) hear(client *socketmode.Client, event socketmode.Event, answering *sync.WaitGroup) {
	switch data := event.Data.(type) {
	case *slack.ConnectionErrorEvent:
		b.giveUpOn(data.ErrorObj)
		if errors.Is(data.ErrorObj, context.Canceled) {
			return // the bot is being stopped
		}
		b.cfg.Log.Warn("Slack could not be connected to; it is tried again", "attempt", data.Attempt, "error", data.ErrorObj)
		return
	case *socketmode.ErrorBadMessage:
		answering.Go(func() { b.ackBroken(client, data.Message) })
		return
	}
	if event.Request == nil || event.Request.EnvelopeID == "" {
		return // of the connection itself
	}
	select {
	case b.crew.ears <- struct{}{}:
		answering.Go(func() {
			defer func() { <-b.crew.ears }()
			b.answer(client, event)
		})
	default:
		b.cfg.Log.Warn("Slack delivers faster than can be answered; a request is left without an answer")
	}
}

// answer acknowledges one envelope with what its handler replies.
func (b *Bot) answer(client *socketmode.Client, event socketmode.Event) {
	defer func() {
		if p := recover(); p != nil {
			b.cfg.Log.Error("panic in Slack handler", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	var reply any
	var err error
	id := event.Request.EnvelopeID
	switch data := event.Data.(type) {
	case slack.SlashCommand:
		reply, err = b.command(data, id)
	case slack.InteractionCallback:
		reply, err = b.interaction(data, id)
	default:
		if event.Type == socketmode.EventTypeEventsAPI {
			reply, err = b.event(event.Request.Payload, id)
		}
	}
	if err != nil {
		b.cfg.Log.Warn("a request from Slack is not understood", "type", event.Type, "error", err)
	}
	b.ack(client, id, reply)
}

func (b *Bot) ack(client *socketmode.Client, envelope string, reply any) {
	ctx, cancel := context.WithTimeout(context.Background(), ackWithin)
	defer cancel()
	if err := client.AckCtx(ctx, envelope, reply); err != nil {
		b.cfg.Log.Warn("an acknowledgement did not reach Slack", "error", err)
	}
}

// ackBroken acknowledges what slack-go could not read, so that Slack does not repeat it.
func (b *Bot) ackBroken(client *socketmode.Client, message json.RawMessage) {
	var envelope struct {
		ID string `json:"envelope_id"`
	}
	if err := json.Unmarshal(message, &envelope); err != nil || envelope.ID == "" {
		b.cfg.Log.Warn("a message from Slack is not understood", "error", errors.Join(err, errMalformed))
		return
	}
	b.ack(client, envelope.ID, nil)
}

// pause waits for d or the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
