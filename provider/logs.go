package provider

import (
	"fmt"
	"os"
	"strings"
)

// unreadLogs returns the environment variables that keep the libraries below the provider from logging, given the
// environment, when nobody is to read it. They write a line for each attribute that they pass, several times, and
// Terraform parses all of it before it drops what TF_LOG does not ask for: with a group of 5,000 servers that is
// two thirds of all that the provider does. What a user has set stays as it is.
func unreadLogs(environment []string) []string {
	quiet := []string{"TF_LOG_SDK", "TF_LOG_SDK_FRAMEWORK", "TF_LOG_SDK_PROTO"}
	for _, entry := range environment {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "TF_LOG") && !strings.HasPrefix(name, "TF_LOG_CORE") && !strings.HasPrefix(name, "TF_LOG_PATH") {
			return nil
		}
	}
	return quiet
}

// QuietLogs switches off the logs that nobody is to read: those of the libraries below the provider, unless the environment
// asks for logs of providers. It is called before they begin to work.
func QuietLogs() error {
	for _, name := range unreadLogs(os.Environ()) {
		if err := os.Setenv(name, "off"); err != nil {
			return fmt.Errorf("switch off logs: %w", err)
		}
	}
	return nil
}
