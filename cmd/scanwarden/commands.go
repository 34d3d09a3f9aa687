package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"scanwarden/cmd/scanwarden/internal/config"
)

// description introduces the program in its help.
const description = `scanwarden lets an AI assistant propose adding, updating or deleting authenticated scans in Microsoft ` +
	`Defender, shows an approver exactly what would change, and sends it only after that person confirms: once, ` +
	`unaltered, or not at all. New here? Run "scanwarden try".`

// The groups of commands, by what people do with them.
const (
	groupStart   = "start"
	groupServe   = "serve"
	groupInspect = "inspect"
	groupSetUp   = "setup"
)

// newRootCommand returns the command line of the program with all commands.
func newRootCommand(e environment) *cobra.Command {
	root := &cobra.Command{
		Use: "scanwarden", Long: description, SilenceErrors: true, SilenceUsage: true,
		Args:              checkRootArgs,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return printVersion(e, cmd) },
		RunE:              func(*cobra.Command, []string) error { return errNoCommand },
	}
	root.AddGroup(
		&cobra.Group{ID: groupStart, Title: "Start here:"},
		&cobra.Group{ID: groupServe, Title: "Run a server:"},
		&cobra.Group{ID: groupInspect, Title: "Look at changes and people:"},
		&cobra.Group{ID: groupSetUp, Title: "Set up and check:"},
	)
	root.PersistentFlags().BoolP("help", "h", false, "Show this help; after a command, the command's.")
	root.PersistentFlags().BoolP("version", "V", false, "Print the version.")
	root.SetFlagErrorFunc(explainFlagError)
	root.SetHelpFunc(printHelp)
	root.SetHelpCommand(newHelpCommand())
	root.SetCompletionCommandGroupID(groupSetUp)
	root.AddCommand(
		newTryCommand(e), newSimulatorCommand(e),
		newStdioCommand(e), newServeCommand(e),
		newReviewCommand(e), newChangesCommand(e), newPeopleCommand(e), newAuditCommand(e),
		newDoctorCommand(e), newManifestCommand(e), newSchemaCommand(e), newVersionCommand(e),
	)
	for _, cmd := range root.Commands() {
		cmd.Flags().SortFlags = false // help keeps the order of the settings
	}
	return root
}

// errNoCommand is returned for a command line without a command.
var errNoCommand = usageError{errors.New(`choose a command: start with "scanwarden try", or see "scanwarden --help"`)}

// errVersionPrinted ends a command line with --version before its command runs.
var errVersionPrinted = errors.New("the version was printed")

// printVersion prints the version and returns errVersionPrinted if --version was given.
func printVersion(e environment, cmd *cobra.Command) error {
	if wanted, err := cmd.Flags().GetBool("version"); err != nil || !wanted {
		return err
	}
	if _, err := fmt.Fprintln(e.stdout, versionText()); err != nil {
		return err
	}
	return errVersionPrinted
}

// newHelpCommand returns `scanwarden help [COMMAND]`, which people try beside --help.
func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Show the help of a command.", Hidden: true, Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			found, rest, err := cmd.Root().Find(args)
			if err != nil {
				return err
			}
			if len(rest) > 0 {
				return unknownCommand(found, rest[0])
			}
			return found.Help()
		},
	}
}

// newVersionCommand returns `scanwarden version`, which people try beside --version.
func newVersionCommand(e environment) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version.", Hidden: true, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(e.stdout, versionText())
			return err
		},
	}
}

// checkRootArgs returns an error that names the closest command if args begin with none.
func checkRootArgs(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return unknownCommand(root, args[0])
}

// chooseSubcommand is the RunE of a command that does nothing by itself.
func chooseSubcommand(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return unknownCommand(cmd, args[0])
	}
	return usageError{fmt.Errorf("%s: choose one of the commands %s; see \"scanwarden --help\"", cmd.Name(), joinNames(cmd))}
}

// unknownCommand returns a usage error that names the closest command below parent.
func unknownCommand(parent *cobra.Command, name string) error {
	var known []string
	for _, c := range parent.Commands() {
		known = append(known, c.Name())
	}
	hint := ""
	if best := config.Closest(name, known); best != "" {
		hint = fmt.Sprintf("; did you mean %s?", best)
	}
	return usageError{fmt.Errorf("there is no command %q%s; see \"scanwarden --help\"", name, hint)}
}
