-- Put before each script. Times are taken from Redis's own clock, so that no two processes disagree.
local QUEUE, SUSPECTS, LEASES = 't2v:queue', 't2v:suspects', 't2v:leases'
local JOBS, TOTALS = 't2v:jobs', 't2v:totals'
local WAKE, EVENTS, CANCELS = 't2v:wake', 't2v:events', 't2v:cancels'
local PULSE, BEGUN = 't2v:pulse', 't2v:begun'
local WAKE_CAP = 256
local SHORT_SILENCE_MS = 2000

local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1e6
local now_ms = now * 1000
local stamp = string.format('%.6f', now)

local function job_key(id) return 't2v:job:' .. id end
local function claim_key(token_prefix) return 't2v:claim:' .. token_prefix end
local function idempotency_key(hash) return 't2v:idempotency:' .. hash end

local function count(total) redis.call('HINCRBY', TOTALS, total, 1) end

-- Notes that a worker lives. When none was heard of for long, because Redis or all of them were away, nobody could renew
-- and no lease says anything about its worker: those that live get the time to say so.
local function pulse(lease_ms)
  local last = redis.call('SET', PULSE, now_ms, 'GET')
  if not last or now_ms - last <= math.max(lease_ms / 2, SHORT_SILENCE_MS) then return end
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', LEASES, '-inf', now_ms)) do
    redis.call('ZADD', LEASES, now_ms + lease_ms / 2, id)
  end
end

-- An id without a record, as a log that was cut by hand may leave one, must not stop whoever comes upon it.
local function is_known(id)
  if redis.call('HEXISTS', job_key(id), 'request') == 1 then return true end
  for _, place in ipairs({ QUEUE, SUSPECTS, LEASES, JOBS, JOBS .. ':queued', JOBS .. ':in_progress' }) do redis.call('ZREM', place, id) end
  return false
end

-- Whether a job runs as the execution that has this token.
local function is_held(id, token)
  local fields = redis.call('HMGET', job_key(id), 'token', 'status')
  return fields[1] == token and fields[2] == 'in_progress'
end

-- Moves a job between the per-status indexes; from or to may be nil.
local function move(id, from, to)
  if from then redis.call('ZREM', JOBS .. ':' .. from, id) end
  if to then redis.call('ZADD', JOBS .. ':' .. to, 0, id) end
end

local function announce(id, status, stage, progress)
  local version = redis.call('HINCRBY', job_key(id), 'version', 1)
  redis.call('PUBLISH', EVENTS, cjson.encode({
    id = id, status = status, stage = stage or cjson.null, progress = progress or cjson.null, version = version, at = now,
  }))
end

local function wake()
  redis.call('LPUSH', WAKE, 1)
  redis.call('LTRIM', WAKE, 0, WAKE_CAP - 1)
end

-- Ends a job that no execution holds any more, as cancelled or failed.
local function close(id, from, status)
  redis.call('HSET', job_key(id), 'status', status, 'outcome', status, 'completed_at', stamp)
  redis.call('ZREM', QUEUE, id)
  redis.call('ZREM', SUSPECTS, id)
  redis.call('ZREM', LEASES, id)
  move(id, from, status)
  count('finished:' .. status)
  announce(id, status)
end

-- Puts a running job back into the queue, or ends it if that was asked; its execution token is void. It gets its old
-- place, unless it is to be due delay_ms from now. Suspects wait apart: each worker runs few at a time.
local function requeue(id, cause, delay_ms)
  local job = job_key(id)
  local fields = redis.call('HMGET', job, 'cancel_requested', 'due_ms', 'history', 'worker', 'started_at', 'suspect')
  count(cause)
  redis.call('HINCRBY', job, cause, 1)
  redis.call('HSET', job, 'token', '', 'stage', '', 'progress', 0,
    'history', (fields[3] or '') .. fields[4] .. ' ' .. fields[5] .. ' ' .. stamp .. ' ' .. cause .. '\n')
  if fields[1] == '1' then return close(id, 'in_progress', 'cancelled') end
  redis.call('HSET', job, 'status', 'queued')
  redis.call('ZREM', LEASES, id)
  local delayed = delay_ms and delay_ms > 0
  redis.call('ZADD', fields[6] and SUSPECTS or QUEUE, delayed and now_ms + delay_ms or fields[2], id)
  move(id, 'in_progress', 'queued')
  if not delayed then wake() end
  announce(id, 'queued')
end

-- Gives a waiting job up that no worker has survived.
local function give_up(id, crashes)
  redis.call('HSET', job_key(id), 'error', cjson.encode({
    code = 'quarantined', message = 'The job was given up: ' .. crashes .. ' workers died while they ran it.',
  }))
  count('quarantined')
  close(id, 'queued', 'failed')
end

-- The worker of a running job died. So often, and the job is suspected of having killed it; or is given up.
local function crash(id, suspect_after, most_crashes)
  if not is_known(id) then return end
  local crashes = tonumber(redis.call('HGET', job_key(id), 'crashes') or 0) + 1
  if crashes >= suspect_after then redis.call('HSET', job_key(id), 'suspect', 1) end
  requeue(id, 'crashes')
  if crashes >= most_crashes and redis.call('HGET', job_key(id), 'status') == 'queued' then give_up(id, crashes) end
end
