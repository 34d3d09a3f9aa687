package main

import "testing"

func configtestLoad(t *testing.T, file string, env Environment) *Config {
	return loadConfig(t, file, env)
}

type pipenetListener = pipeListener

var pipenetListen = newPipeListener
