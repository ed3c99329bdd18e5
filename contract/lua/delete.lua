-- ARGV: id
-- Forgets an ended job. Returns 'deleted', 'running' or 'unknown'. Totals keep counting it.
local id = ARGV[1]
local fields = redis.call('HMGET', job_key(id), 'status', 'key_hash')
if not fields[1] then return 'unknown' end
if fields[1] == 'queued' or fields[1] == 'in_progress' then return 'running' end
local key = idempotency_key(fields[2])
if redis.call('HGET', key, 'id') == id then redis.call('DEL', key) end -- else it was forgotten and stands for another job
redis.call('DEL', job_key(id))
redis.call('ZREM', JOBS, id)
move(id, fields[1], nil)
return 'deleted'
