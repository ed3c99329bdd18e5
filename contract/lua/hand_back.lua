-- ARGV: id, token, why ('handed_back' or 'errors'), ms until it is due; 0: at its old place in the queue
-- Returns 1 when the job is in the queue again (or ended, if that was asked), 0 when the execution was no longer the current
-- one. Repeating it with the same token changes nothing and returns the same, until another execution is handed back.
local id, token, cause, delay_ms = unpack(ARGV)
if redis.call('HGET', job_key(id), 'returned') == token then return 1 end
if not is_held(id, token) then return 0 end
redis.call('HSET', job_key(id), 'returned', token)
requeue(id, cause, tonumber(delay_ms))
return 1
