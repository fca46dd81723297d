/** The variables of files, where an application looks for its own. */

/** Gives the application the variables of files that its environment does not have. */
export const apply = (
  variables: Readonly<Record<string, string>> = {},
  environment: NodeJS.ProcessEnv = process.env
) => {
  for (const [name, value] of Object.entries(variables)) environment[name] ??= value
}
