-- ARGV: worker name, lease in ms, how many at most, a prefix for tokens that nobody else uses
-- First takes back what dead workers left, then hands out due jobs.
-- Returns a list of {id, token, function, request, execution, created_at, started_at}.
local worker, lease_ms, limit, token_prefix = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
for _, id in ipairs(redis.call('ZRANGEBYSCORE', LEASES, '-inf', now_ms, 'LIMIT', 0, 100)) do requeue(id, 'crashes') end
local claims = {}
for n, id in ipairs(redis.call('ZRANGEBYSCORE', QUEUE, '-inf', now_ms, 'LIMIT', 0, limit)) do
  local job = job_key(id)
  local token = token_prefix .. n
  redis.call('ZREM', QUEUE, id)
  local execution = redis.call('HINCRBY', job, 'executions', 1)
  redis.call('HSET', job, 'status', 'in_progress', 'token', token, 'worker', worker, 'started_at', stamp,
    'stage', 'parse', 'progress', 5)
  redis.call('ZADD', LEASES, now_ms + lease_ms, id)
  move(id, 'queued', 'in_progress')
  count('executions')
  announce(id, 'in_progress', 'parse', 5)
  local fields = redis.call('HMGET', job, 'function', 'request', 'created_at')
  claims[n] = { id, token, fields[1], fields[2], tostring(execution), fields[3], stamp }
end
if redis.call('ZCARD', QUEUE) == 0 then redis.call('DEL', WAKE) end
return claims
