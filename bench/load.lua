-- Requests for wrk: one page over and over, or each line of a file once.
-- A line: the signature, a tab, the body.
local lines = {}
local next_line = 0

function init(arguments)
  wrk.headers["Accept-Encoding"] = "gzip"
  if not arguments[1] then return end
  wrk.headers["Content-Type"] = "application/json"
  for line in io.lines(arguments[1]) do
    local signature, body = line:match("^([^\t]*)\t(.*)$")
    wrk.headers["Stripe-Signature"] = signature
    lines[#lines + 1] = wrk.format("POST", nil, nil, body)
  end
end

function request()
  if #lines == 0 then return wrk.format() end
  next_line = next_line + 1
  if next_line >= #lines then wrk.thread:stop() end
  return lines[math.min(next_line, #lines)]
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    '{"done": %d, "seconds": %f, "p50": %f, "p99": %f, "failed": %d}',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
