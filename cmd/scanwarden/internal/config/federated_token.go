package config

// WriterApp returns the app registration that writes to Defender.
func (c *Config) WriterApp() AppRegistration {
	if !c.HasSeparateWriter() {
		return c.Azure
	}
	app := c.Write
	app.envPrefix = envPrefix + "WRITE_"
	return app
}

// AppRegistrations returns the app registrations that sign in. With a simulator there are none.
func (c *Config) AppRegistrations() []AppRegistration {
	switch {
	case c.Simulator || c.UsesSimulator():
		return nil
	case c.ReadOnly || !c.HasSeparateWriter():
		return []AppRegistration{c.Azure}
	}
	return []AppRegistration{c.Azure, c.WriterApp()}
}

// CheckTokenFile returns nil if the federated token of app can be read now, or if app has none.
func (c *Config) CheckTokenFile(app AppRegistration) error {
	cfg, err := c.EntraConfig(app)
	if err != nil {
		return err
	}
	return cfg.CheckTokenFile()
}
