package cli

import "github.com/drover-proxy/drover/config"

// SchemaCmd prints the JSON Schema of the settings file.
type SchemaCmd struct{}

// Help shows an example.
func (*SchemaCmd) Help() string {
	return `For editors and other programs, in draft 2020-12.

  drover schema > drover.schema.json

and in the first line of drover.yaml, for editors with a YAML language server:

  # yaml-language-server: $schema=drover.schema.json`
}

// Run prints the schema to standard output.
func (*SchemaCmd) Run(env *Environment) error {
	text, err := config.Schema()
	if err != nil {
		return err
	}
	_, err = env.Stdout.Write(append(text, '\n'))
	return err
}
