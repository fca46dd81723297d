/** Effect's own clock, whatever clock a test or a program has put in its place. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"

export const liveClock: Clock.Clock = Context.get(Context.empty(), Clock.Clock)
