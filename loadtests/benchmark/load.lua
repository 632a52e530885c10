-- What wrk repeats, and its numbers as one line of JSON. Arguments: a file with the body, then "Name: value" headers;
-- in a value with %d, each request has a number of its own there.

function init(arguments)
   local file = assert(io.open(arguments[1], "rb"))
   wrk.method = "POST"
   wrk.body = file:read("*a")
   file:close()
   for position = 2, #arguments do
      local name, value = arguments[position]:match("^([^:]+): (.*)$")
      wrk.headers[name] = value
      if value:find("%d", 1, true) then
         local sent = 0
         function request()
            sent = sent + 1
            wrk.headers[name] = value:format(sent)
            return wrk.format()
         end
      end
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
