-- wrk: replays each line of IPN_FILE once over all threads, then ends the thread's connections by repeating nothing new. Counts non-200.
local threads, next_id = {}, 0

function setup(thread)
  thread:set("id", next_id)
  next_id = next_id + 1
  table.insert(threads, thread)
end

function init(args)
  bad, sent, repeats = 0, 0, 0
  lines = {}
  local n, count = 0, tonumber(os.getenv("WRK_THREADS"))
  for line in io.lines(os.getenv("IPN_FILE")) do
    if n % count == id then lines[#lines + 1] = line end
    n = n + 1
  end
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  sent = sent + 1
  if sent > #lines then repeats = repeats + 1 end
  local line = lines[(sent - 1) % #lines + 1]
  local space = line:find(" ", 1, true)
  wrk.headers["x-nowpayments-sig"] = line:sub(1, space - 1)
  return wrk.format("POST", nil, nil, line:sub(space + 1))
end

function response(status)
  if status ~= 200 then bad = bad + 1 end
end

function done(summary, latency, requests)
  local failed, again = 0, 0
  for _, thread in ipairs(threads) do
    failed = failed + thread:get("bad")
    again = again + thread:get("repeats")
  end
  local errors = summary.errors
  io.write(string.format("RESULT requests %d seconds %.3f p50_ms %.3f p99_ms %.3f max_ms %.3f non200 %d repeats %d socket_errors %d\n", summary.requests,
    summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3, failed, again,
    errors.connect + errors.read + errors.write + errors.timeout))
end
