package config

// WriterApp is the app registration that writes.
func (c *Config) WriterApp() AppRegistration {
	if !c.HasSeparateWriter() {
		return c.Azure
	}
	app := c.Write
	app.envPrefix = envPrefix + "WRITE_"
	return app
}

// AppRegistrations are the app registrations that sign in here.
func (c *Config) AppRegistrations() []AppRegistration {
	switch {
	case c.Simulator || c.UsesSimulator():
		return nil
	case c.ReadOnly || !c.HasSeparateWriter():
		return []AppRegistration{c.Azure}
	}
	return []AppRegistration{c.Azure, c.WriterApp()}
}

// CheckTokenFile says why the federated token of app cannot be read right now, nil when it can or there is none.
func (c *Config) CheckTokenFile(app AppRegistration) error {
	cfg, err := c.EntraConfig(app)
	if err != nil {
		return err
	}
	return cfg.CheckTokenFile()
}
