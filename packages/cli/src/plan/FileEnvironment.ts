/** The variables of files, where an application looks for its own. */

/** Gives the application the variables of files that its environment does not have. */
export const apply = (
  variables: Readonly<Record<string, string>> = {},
  environment: NodeJS.ProcessEnv = process.env
) => {
  for (const [name, value] of Object.entries(variables)) environment[name] ??= value
}

/** The environment with the variables of files behind it, as who reads it without `apply`. Those of secrets come last. */
export const withFiles = (
  {
    environment: variables,
    secrets
  }: { readonly [Name in "environment" | "secrets"]?: Readonly<Record<string, string>> | undefined },
  environment: NodeJS.ProcessEnv = process.env
): Readonly<Record<string, string | undefined>> => ({ ...secrets, ...variables, ...environment })
