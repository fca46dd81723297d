/** What a server in development puts around its application; it is loaded by no other. */
import type { Application } from "@pagi/core/contract/PagiApp"
import type { ReloadProgress } from "../process/ReloadState.ts"
import { errorPages } from "./ErrorPages.ts"
import { NewestCode } from "./NewestCode.ts"

/** Puts around an application what shows browsers its errors, and those of code that is to replace it. */
export const around = (
  application: Application<unknown, never>,
  progress: ReloadProgress | undefined
): Application<unknown, never> => errorPages(application, new NewestCode(progress))
