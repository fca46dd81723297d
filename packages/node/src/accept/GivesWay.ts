import * as Context from "effect/Context"

/**
 * Whether a server that has `maxConnections` closes one for a new one, that which has least of it: no request, or more than
 * it takes, or else a request of which the answer is under way. By default the new one is turned away.
 */
export const GivesWay = Context.Reference<boolean>("@pagi/node/GivesWay", { defaultValue: () => false })
