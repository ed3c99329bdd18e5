-- ARGV: id
-- Forgets an ended job. Returns 'deleted', 'running' or 'unknown'. Totals keep counting it.
local id = ARGV[1]
local fields = redis.call('HMGET', job_key(id), 'status', 'key_hash')
if not fields[1] then return 'unknown' end
if fields[1] == 'queued' or fields[1] == 'in_progress' then return 'running' end
if fields[2] and fields[2] ~= '' then redis.call('DEL', idempotency_key(fields[2])) end
redis.call('DEL', job_key(id))
redis.call('ZREM', JOBS, id)
move(id, fields[1], nil)
return 'deleted'
