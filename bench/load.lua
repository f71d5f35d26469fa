-- Requests for wrk: one page over and over, or each line of a file once.
-- A line: the path, a tab, a signature or nothing, a tab, a body or nothing.
-- After the file: the milliseconds from answer to question, and how many ask.
local lines = {}
local next_line = 0
local wait, customers, begun = 0, 0, 0

function init(arguments)
  wrk.headers["Accept-Encoding"] = "gzip"
  wait, customers = tonumber(arguments[2] or 0), tonumber(arguments[3] or 0)
  if wait == 0 then delay = nil end
  if not arguments[1] then return end
  for line in io.lines(arguments[1]) do
    local path, signature, body = line:match("^([^\t]*)\t([^\t]*)\t(.*)$")
    if body == "" then
      lines[#lines + 1] = wrk.format("GET", path)
    else
      wrk.headers["Content-Type"] = "application/json"
      wrk.headers["Stripe-Signature"] = signature
      lines[#lines + 1] = wrk.format("POST", path, nil, body)
    end
  end
end

-- Nobody arrives at the same moment.
function delay()
  begun = begun + 1
  if begun <= customers then return math.floor(wait * begun / customers) end
  return wait
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
    '{"done": %d, "seconds": %f, "p50": %f, "p95": %f, "p99": %f, "failed": %d}',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(95) / 1e3,
    latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
