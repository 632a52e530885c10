-- What wrk repeats, and its numbers as one line of JSON. Arguments: a file with the body, then "Name: value" headers.

function init(arguments)
   local file = assert(io.open(arguments[1], "rb"))
   wrk.method = "POST"
   wrk.body = file:read("*a")
   file:close()
   for position = 2, #arguments do
      local name, value = arguments[position]:match("^([^:]+): (.*)$")
      wrk.headers[name] = value
   end
end

function done(summary, latency, requests)
   local errors = summary.errors
   io.write(string.format(
      '{"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"refused":%d,"unanswered":%d}\n',
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
      errors.status, errors.connect + errors.read + errors.write + errors.timeout
   ))
end
