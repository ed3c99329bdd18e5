-- ARGV: id, token
-- Returns 1 when the job is in the queue again (or ended, if that was asked), 0 when the execution was no longer the current one.
local id, token = unpack(ARGV)
local fields = redis.call('HMGET', job_key(id), 'token', 'status')
if fields[1] ~= token or fields[2] ~= 'in_progress' then return 0 end
requeue(id, 'handed_back')
return 1
