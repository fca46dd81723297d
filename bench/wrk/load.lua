-- One request shape per run, given after "--": path, method, body bytes, pipeline depth, "close" or "keep",
-- and for JSON the body.
-- At the end it prints one line that starts with RESULT, as key=value pairs.

function init(arguments)
  local path, method, bodyBytes, depth, connection, json =
    arguments[1], arguments[2], tonumber(arguments[3]), tonumber(arguments[4]), arguments[5], arguments[6]
  wrk.path = path
  wrk.method = method
  if json then
    wrk.body = json
    wrk.headers["Content-Type"] = "application/json"
  elseif bodyBytes > 0 then
    wrk.body = string.rep("b", bodyBytes)
    wrk.headers["Content-Type"] = "application/octet-stream"
  end
  if connection == "close" then
    wrk.headers["Connection"] = "close"
  end
  if depth > 1 then
    local batch = string.rep(wrk.format(), depth)
    -- wrk fixes its own request after init, so this global takes over only for pipelines.
    function request()
      return batch
    end
  end
end

function done(summary, latency)
  local errors = summary.errors
  local pairs_ = {
    "requests=" .. summary.requests,
    "microseconds=" .. summary.duration,
    "bytes=" .. summary.bytes,
    "connectErrors=" .. errors.connect,
    "readErrors=" .. errors.read,
    "writeErrors=" .. errors.write,
    "timeouts=" .. errors.timeout,
    "badStatuses=" .. errors.status,
    "p50=" .. latency:percentile(50),
    "p99=" .. latency:percentile(99)
  }
  io.write("RESULT " .. table.concat(pairs_, " ") .. "\n")
end
