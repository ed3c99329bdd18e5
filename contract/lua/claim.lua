-- ARGV: worker name, lease in ms, how many at most, a prefix for tokens that nobody else uses, how many of them may be
-- suspects, after how many crashes a job is one, after how many it is given up
-- First takes back what dead workers left, then hands out due jobs. Repeating it with the same prefix hands out the same
-- jobs, as far as they are still held under it, and no others.
-- Returns a list of {id, token, function, request, execution, created_at, started_at, crashes, errors}.
local worker, lease_ms, limit, token_prefix = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local turns, suspect_after, most_crashes = math.max(0, tonumber(ARGV[5])), tonumber(ARGV[6]), tonumber(ARGV[7])

local function handed_out(id, token)
  local known = redis.call('HMGET', job_key(id), 'function', 'request', 'executions', 'created_at', 'started_at', 'crashes', 'errors')
  return { id, token, known[1], known[2], known[3], known[4], known[5], known[6] or '0', known[7] or '0' }
end

local claims = {}
local before = redis.call('LRANGE', claim_key(token_prefix), 0, -1)
for n, id in ipairs(before) do
  local token = token_prefix .. n
  if is_held(id, token) then claims[#claims + 1] = handed_out(id, token) end
end
if #before > 0 then return claims end

pulse(lease_ms)
for _, id in ipairs(redis.call('ZRANGEBYSCORE', LEASES, '-inf', now_ms, 'LIMIT', 0, 1000)) do
  crash(id, suspect_after, most_crashes)
end

local function due(queue, most) return redis.call('ZRANGEBYSCORE', queue, '-inf', now_ms, 'LIMIT', 0, most) end

local function hand_out(queue, id)
  if not is_known(id) then return end
  local job = job_key(id)
  local n = #claims + 1
  local token = token_prefix .. n
  redis.call('ZREM', queue, id)
  redis.call('HINCRBY', job, 'executions', 1)
  redis.call('HSET', job, 'status', 'in_progress', 'token', token, 'worker', worker, 'started_at', stamp,
    'stage', 'parse', 'progress', 5)
  redis.call('ZADD', LEASES, now_ms + lease_ms, id)
  redis.call('RPUSH', claim_key(token_prefix), id)
  move(id, 'queued', 'in_progress')
  count('executions')
  announce(id, 'in_progress', 'parse', 5)
  claims[n] = handed_out(id, token)
end

-- Suspects go first: they are few at a time, and behind a queue that is never empty they would never have a turn.
for _, id in ipairs(due(SUSPECTS, math.min(limit, turns))) do hand_out(SUSPECTS, id) end
for _, id in ipairs(due(QUEUE, limit - #claims)) do hand_out(QUEUE, id) end
if #claims > 0 then redis.call('PEXPIRE', claim_key(token_prefix), lease_ms) end
if redis.call('ZCARD', QUEUE) == 0 then redis.call('DEL', WAKE) end
return claims
