-- Replays requests that were written beforehand, in random order, so that the client does as little as possible while it
-- measures. Arguments: a file of requests of one length, that length in bytes, and a seed.
-- At the end it prints every latency that wrk has counted, for latencies.mjs to read.

local requests = {}

function init(args)
  local length = tonumber(args[2])
  math.randomseed(tonumber(args[3]))
  local file = assert(io.open(args[1], 'rb'))
  while true do
    local text = file:read(length)
    if text == nil then break end
    requests[#requests + 1] = text
  end
  file:close()
end

function request()
  return requests[math.random(#requests)]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('dsys-bench summary %d %d %d\n', summary.requests, summary.duration, summary.bytes))
  io.write(string.format('dsys-bench errors %d %d %d %d %d\n',
    errors.connect, errors.read, errors.write, errors.timeout, errors.status))
  for index = 1, #latency do
    local value, count = latency(index)
    io.write(string.format('%d %d\n', value, count))
  end
end
